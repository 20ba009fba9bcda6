//! `ismart fleet`: all sites against all rules, and new versions of cores by waves.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use ismart_domain::Env;
use ismart_sites::{
    AREAS, CoreChoice, Cores, Drift, Expected, PageChange, Rollout, RolloutError, Rollouts, Snapshot,
    StepState,
};
use ismart_web::fleet::{Camera, Compared, Stage};

use super::Place;
use crate::config;
use crate::output::{self, Failed};
use crate::wiring;

/// Sites against rules, and versions of cores.
#[derive(Debug, Args)]
pub(super) struct Fleet {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every site against every rule
    Drift(DriftOf),
    /// Plan the roll-out of a version of a core; nothing changes yet
    Plan(Plan),
    /// Show what a version of a core would change on each site, as HTML and as pictures
    Preview(Preview),
    /// List the roll-outs
    List(Place),
    /// Give the next wave of a roll-out the new version
    Roll(One),
    /// Take a roll-out back: every site gets the version that it had
    Back(One),
}

#[derive(Debug, Args)]
struct DriftOf {
    #[command(flatten)]
    place: Place,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Plan {
    /// Name of the core
    core: String,
    /// The version to roll out
    #[arg(long, value_name = "VERSION")]
    to: String,
    /// How many sites have the version after each wave: numbers or shares
    #[arg(long, default_value = "1,10%,100%")]
    waves: String,
    /// Folders of sites that go first
    #[arg(long, value_delimiter = ',', value_name = "SITE,…")]
    first: Vec<String>,
    /// Who plans it
    #[arg(long, default_value = "console")]
    by: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Preview {
    /// Name of the core
    core: String,
    /// The version to look at
    #[arg(long, value_name = "VERSION")]
    to: String,
    /// Folder of the only site to look at
    #[arg(long)]
    site: Option<String>,
    /// Folder for pictures before, after and of the difference; needs Chromium
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct One {
    /// The roll-out [default: the newest]
    id: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// The fleet of a data folder.
struct Yard {
    sites: Vec<Arc<Snapshot>>,
    cores: Arc<Cores>,
    rollouts: Rollouts,
    env: Env,
}

impl Yard {
    fn open(place: &Place) -> Result<Self, Failed> {
        let loaded = config::load(place.config.as_deref(), &place.data)?;
        let env = Env::system();
        let sites = wiring::snapshots(&loaded, &env)?;
        let folder = loaded.base.join(wiring::ROLLOUTS);
        let rollouts = Rollouts::new(folder, loaded.base.join(&loaded.config.sites));
        Ok(Self { sites, cores: wiring::cores(&loaded), rollouts, env })
    }

    /// The id asked for, or that of the newest roll-out.
    fn id(&self, asked: Option<String>) -> Result<String, Failed> {
        if let Some(id) = asked {
            return Ok(id);
        }
        let newest = self.rollouts.all()?.into_iter().next().map(|one| one.id);
        newest.ok_or_else(|| {
            Failed::one("fleet", "there is no roll-out", "plan one: ismart fleet plan CORE --to VERSION")
        })
    }

    fn named(&self, folder: &str) -> Option<&Arc<Snapshot>> {
        self.sites.iter().find(|site| folder_of(site) == folder)
    }
}

fn folder_of(site: &Snapshot) -> &str {
    site.root().file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

impl From<RolloutError> for Failed {
    fn from(error: RolloutError) -> Self {
        let text = error.to_string();
        let (reason, repair) =
            text.rsplit_once(": ").unwrap_or((text.as_str(), "ismart fleet list shows all"));
        Self::one("fleet", reason, repair)
    }
}

/// Does what is asked of the fleet.
pub(super) async fn fleet(fleet: Fleet) -> Result<ExitCode, Failed> {
    match fleet.what {
        What::Drift(of) => drift(&Yard::open(&of.place)?, of.json),
        What::Plan(plan) => {
            let yard = Yard::open(&plan.place)?;
            yard.core(&plan.core, &plan.to)?;
            let uses = yard.sites.iter().filter_map(|site| {
                let choice = site.config().core.as_ref().filter(|choice| choice.name == plan.core)?;
                Some((folder_of(site).to_owned(), choice.version.clone()))
            });
            let uses: Vec<(String, String)> = uses.collect();
            let now = yard.env.now();
            let planned =
                Rollout::plan(&plan.core, &plan.to, &uses, &plan.first, &plan.waves, &plan.by, now)?;
            yard.rollouts.keep(&planned)?;
            tell(&planned);
            output::line(format_args!("begin with: ismart fleet roll {}", planned.id));
            Ok(ExitCode::SUCCESS)
        }
        What::Preview(preview) => look(preview).await,
        What::List(place) => {
            for one in Yard::open(&place)?.rollouts.all()? {
                tell(&one);
            }
            Ok(ExitCode::SUCCESS)
        }
        What::Roll(one) => {
            let yard = Yard::open(&one.place)?;
            let id = yard.id(one.id)?;
            let planned = yard.rollouts.get(&id)?;
            let core = yard.core(&planned.core, &planned.to)?;
            let now = yard.env.now();
            let rolled = yard.rollouts.roll(&id, now, |folder| {
                let site =
                    yard.named(folder).ok_or_else(|| "the site is not in its folder any more".to_owned())?;
                site.bears(&core, now).map(drop)
            })?;
            tell(&rolled);
            let held = rolled.steps().any(|step| step.state == StepState::Held);
            Ok(if held { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        What::Back(one) => {
            let yard = Yard::open(&one.place)?;
            let id = yard.id(one.id)?;
            tell(&yard.rollouts.roll_back(&id, yard.env.now())?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl Yard {
    fn core(&self, name: &str, version: &str) -> Result<Arc<ismart_sites::Core>, Failed> {
        let choice = CoreChoice { name: name.to_owned(), version: version.to_owned() };
        self.cores.get(&choice).map_err(|findings| {
            Failed(
                findings
                    .iter()
                    .map(|one| crate::output::Trouble::new("fleet", &one.reason, &one.fix))
                    .collect(),
            )
        })
    }
}

fn tell(one: &Rollout) {
    output::line(format_args!("{}  {} {} by {}", one.id, one.core, one.to, one.by));
    for (at, wave) in one.waves.iter().enumerate() {
        for step in &wave.sites {
            let state = match step.state {
                StepState::Waiting => "waits",
                StepState::Moved => "moved",
                StepState::Held => "held",
                StepState::Returned => "taken back",
            };
            let why = step.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
            output::line(format_args!("  wave {}  {:24} {:>8}  {state}{why}", at + 1, step.site, step.from));
        }
    }
}

fn drift(yard: &Yard, json: bool) -> Result<ExitCode, Failed> {
    let expected = Expected::of(yard.sites.iter().map(AsRef::as_ref));
    let now = yard.env.now();
    let drifts: Vec<Drift> =
        yard.sites.iter().map(|site| Drift::of(site, &yard.cores, &expected, now)).collect();
    if json {
        let all = yard.sites.iter().zip(&drifts).map(|(site, drift)| {
            serde_json::json!({ "site": site.config().site, "core": site.config().core.as_ref().map(|c| format!("{} {}", c.name, c.version)), "findings": drift.findings })
        });
        output::line(serde_json::Value::Array(all.collect()));
        return Ok(ExitCode::SUCCESS);
    }
    let areas: Vec<&str> =
        AREAS.iter().copied().filter(|area| drifts.iter().any(|drift| drift.count(area) != (0, 0))).collect();
    let mut head = format!("{:24} {:16}", "site", "core");
    for area in &areas {
        // Writing to a String cannot fail.
        let _infallible = write!(head, " {area:>10}");
    }
    output::line(head);
    for (site, drift) in yard.sites.iter().zip(&drifts) {
        let core =
            site.config().core.as_ref().map_or("-".to_owned(), |c| format!("{} {}", c.name, c.version));
        let mut line = format!("{:24} {core:16}", site.config().site);
        for area in &areas {
            let cell = match drift.count(area) {
                (0, 0) => "·".to_owned(),
                (0, warnings) => format!("{warnings}w"),
                (errors, warnings) => format!("{errors}E {warnings}w"),
            };
            let _infallible = write!(line, " {cell:>10}");
        }
        output::line(line);
    }
    output::line("E errors, w warnings; `ismart check` names each with its repair");
    Ok(ExitCode::SUCCESS)
}

async fn look(preview: Preview) -> Result<ExitCode, Failed> {
    let yard = Yard::open(&preview.place)?;
    let core = yard.core(&preview.core, &preview.to)?;
    let camera = match &preview.pictures {
        Some(_) => Some(Camera::find().ok_or_else(|| {
            Failed::one(
                "--pictures",
                "there is no Chromium on this machine",
                "install Debian's package chromium",
            )
        })?),
        None => None,
    };
    let mut broken = false;
    for site in &yard.sites {
        let ours = site.config().core.as_ref().is_some_and(|choice| choice.name == preview.core);
        if !ours || preview.site.as_deref().is_some_and(|name| name != folder_of(site)) {
            continue;
        }
        let name = folder_of(site);
        match site.bears(&core, yard.env.now()) {
            Err(why) => {
                broken = true;
                output::line(format_args!("{name}: BREAKS: {why}"));
            }
            Ok(changes) => {
                output::line(format_args!("{name}: {} pages change", changes.len()));
                for change in &changes {
                    show(change);
                }
                if let (Some(camera), Some(folder)) = (&camera, &preview.pictures) {
                    let after = site.on_core(&core).map_err(|findings| {
                        Failed::one(name, findings.first().map_or("", |f| f.reason.as_str()), "mend the core")
                    })?;
                    shoot(camera, &folder.join(name), site, &after, &changes).await?;
                }
            }
        }
    }
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show(change: &PageChange) {
    output::line(format_args!("  {}  +{} -{} lines", change.path, change.lines.0, change.lines.1));
    for line in &change.places {
        output::line(format_args!("    {line}"));
    }
}

/// Takes pictures of every changed page before and after, on a desk and on a phone.
async fn shoot(
    camera: &Camera,
    folder: &Path,
    before: &Arc<Snapshot>,
    after: &Arc<Snapshot>,
    changes: &[PageChange],
) -> Result<(), Failed> {
    let wrong = |error: &dyn std::error::Error| {
        Failed::one(folder.display().to_string(), error.to_string(), "check the folder and the browser")
    };
    std::fs::create_dir_all(folder).map_err(|e| wrong(&e))?;
    let before = Stage::open(before.clone()).await.map_err(|e| wrong(&e))?;
    let after = Stage::open(after.clone()).await.map_err(|e| wrong(&e))?;
    for change in changes {
        let name: String = change
            .path
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect::<String>()
            .trim_matches('-')
            .to_owned();
        let name = if name.is_empty() { "index".to_owned() } else { name };
        for (device, width, height) in [("desk", 1280, 1600), ("phone", 390, 1600)] {
            let old = camera.shoot(&before.url(&change.path), width, height).await.map_err(|e| wrong(&e))?;
            let new = camera.shoot(&after.url(&change.path), width, height).await.map_err(|e| wrong(&e))?;
            let compared = Compared::of(&old, &new).map_err(|e| wrong(&e))?;
            for (side, bytes) in [("before", &old), ("after", &new), ("difference", &compared.picture)] {
                let file = folder.join(format!("{name}-{device}-{side}.png"));
                std::fs::write(&file, bytes).map_err(|e| wrong(&e))?;
            }
            let share = compared.per_mille();
            output::line(format_args!(
                "  {} on a {device}: {}.{} % of the picture differs",
                change.path,
                share / 10,
                share % 10
            ));
        }
    }
    Ok(())
}

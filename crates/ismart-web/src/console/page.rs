//! What every page needs: look, navigation, who is signed in.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Html;
use ismart_domain::user::Right;
use ismart_store::{attention, conversations, unread};
use serde::{Serialize, Serializer};

use super::fault::Fault;
use super::language::{Language, Texts};
use super::moment::{self, Teller};
use super::seat::Seat;
use super::view;
use crate::origin::{Origin, text};
use crate::platform::Platform;
use crate::problem::Problem;

/// Cookie of the chosen colours: `light` or `dark`.
pub(super) const THEME: &str = "ismart_theme";
/// Cookie of the language chosen before signing in.
pub(super) const LANGUAGE: &str = "ismart_language";

/// How the browser wants pages to look.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Look {
    /// The language.
    #[serde(serialize_with = "code")]
    pub(super) language: Language,
    /// `light`, `dark`, or `auto` for the system's.
    pub(super) theme: &'static str,
}

fn code<S: Serializer>(language: &Language, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(language.code())
}

impl Look {
    /// Reads the wish out of cookies, or out of what the browser says of itself.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let chosen = cookie(headers, LANGUAGE).and_then(Language::from_code);
        let accepted = || text(headers, "accept-language").and_then(Language::accepted);
        let theme = match cookie(headers, THEME) {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "auto",
        };
        Self { language: chosen.or_else(accepted).unwrap_or_default(), theme }
    }
}

/// The value of a cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all("cookie").iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// A request on a host where the console answers.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) origin: Origin,
    pub(super) look: Look,
}

impl FromRequestParts<Arc<Platform>> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Problem> {
        let origin = Origin::from_request_parts(parts, platform).await?;
        if !platform.console_at(&origin.host) {
            let detail = "There is nothing at this address. Check the address.";
            return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", detail));
        }
        Ok(Self { origin, look: Look::of(&parts.headers) })
    }
}

/// A place of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    Dashboard,
    Inbox,
    Leads,
    Intake,
    Orders,
    Site,
    Worker,
    Deliveries,
    Destinations,
    Fleet,
    Media,
    Tokens,
}

const PLACES: &[(Place, &str, Right)] = &[
    (Place::Dashboard, "/console", Right::SeeFigures),
    (Place::Inbox, "/console/inbox", Right::SeePeople),
    (Place::Leads, "/console/leads", Right::SeePeople),
    (Place::Intake, "/console/intake", Right::SeePeople),
    (Place::Orders, "/console/orders", Right::SeePeople),
    (Place::Site, "/console/site", Right::EditSite),
    (Place::Worker, "/console/worker", Right::SeeFigures),
    (Place::Deliveries, "/console/deliveries", Right::SeePeople),
    (Place::Destinations, "/console/destinations", Right::SeeFigures),
    (Place::Fleet, "/console/fleet", Right::AllClients),
    (Place::Media, "/console/media", Right::EditSite),
    (Place::Tokens, "/console/tokens", Right::ManageTokens),
];

#[derive(Debug, Serialize)]
struct NavLine {
    place: Place,
    href: &'static str,
    title: &'static str,
    current: bool,
    /// Count beside the title.
    badge: Option<String>,
    /// What the count means, for those who hear it.
    badge_says: String,
}

#[derive(Debug, Serialize)]
struct ClientLine {
    id: String,
    name: String,
    current: bool,
}

/// The frame of a signed-in page.
#[derive(Debug, Serialize)]
pub(super) struct Frame {
    look: Look,
    title: String,
    /// Address of this page, for switches that come back to it.
    here: String,
    csrf: String,
    user_name: String,
    user_role: &'static str,
    client_name: String,
    /// Clients to move between; empty for those who have one.
    clients: Vec<ClientLine>,
    nav: Vec<NavLine>,
    demo: Option<Demo>,
}

#[derive(Debug, Serialize)]
struct Demo {
    /// Destinations that are simulated, with the address of their page.
    simulated: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Whole<'p, T: Serialize> {
    frame: &'p Frame,
    page: &'p T,
}

impl Seat {
    /// The texts of the user's language.
    pub(super) fn texts(&self) -> &'static Texts {
        self.look.language.texts()
    }

    /// Tells times in the client's zone.
    pub(super) fn teller(&self, platform: &Platform) -> Teller {
        Teller { language: self.look.language, zone: self.client.zone.clone(), now: platform.env.now() }
    }

    /// A whole number, for people.
    pub(super) fn number(&self, n: i64) -> String {
        moment::number(self.look.language, n)
    }

    /// A page in its frame.
    pub(super) async fn page(
        &self,
        platform: &Platform,
        place: Place,
        title: impl Into<String>,
        template: &str,
        page: &impl Serialize,
    ) -> Result<Html<String>, Fault> {
        let frame = self.frame(platform, place, title.into()).await?;
        Ok(Html(view::render(template, self.look.language, &Whole { frame: &frame, page })?))
    }

    /// A piece of a page, for scripts.
    pub(super) fn part(&self, template: &str, page: &impl Serialize) -> Result<Html<String>, Fault> {
        #[derive(Serialize)]
        struct Part<'p, T: Serialize> {
            frame: PartFrame<'p>,
            page: &'p T,
        }
        #[derive(Serialize)]
        struct PartFrame<'p> {
            look: Look,
            csrf: &'p str,
        }
        let frame = PartFrame { look: self.look, csrf: self.session.csrf.reveal() };
        Ok(Html(view::render(template, self.look.language, &Part { frame, page })?))
    }

    async fn frame(&self, platform: &Platform, place: Place, title: String) -> Result<Frame, Fault> {
        let texts = self.texts();
        let (waiting, unread, undecided) = if self.may(Right::SeePeople) {
            let mut conn = platform.store.read().await?;
            let (waiting, _) = conversations::waiting(&mut conn, self.client.id).await?;
            let unread = unread::waiting(&mut conn, self.client.id).await?;
            let (undecided, _) = attention::counts(&mut conn, self.client.id).await?;
            (waiting, unread, undecided)
        } else {
            (0, 0, 0)
        };
        // Where nothing is sold there is nothing to look at.
        let sells = place == Place::Orders || platform.sells(self.client.id);
        let open = PLACES.iter().filter(|(at, _, right)| self.may(*right) && (sells || *at != Place::Orders));
        let nav = open.map(|(at, href, _)| {
            let (count, says) = match at {
                Place::Inbox => (waiting, "nav.waiting"),
                Place::Intake => (unread, "nav.unread"),
                Place::Deliveries => (undecided, "queue.waiting"),
                _ => (0, ""),
            };
            NavLine {
                place: *at,
                href,
                title: texts.get(match at {
                    Place::Dashboard => "nav.dashboard",
                    Place::Inbox => "nav.inbox",
                    Place::Leads => "nav.leads",
                    Place::Intake => "nav.intake",
                    Place::Orders => "nav.orders",
                    Place::Site => "nav.site",
                    Place::Worker => "nav.worker",
                    Place::Deliveries => "nav.deliveries",
                    Place::Destinations => "nav.destinations",
                    Place::Fleet => "nav.fleet",
                    Place::Media => "nav.media",
                    Place::Tokens => "nav.tokens",
                }),
                current: *at == place,
                badge: (count > 0).then(|| self.number(count)),
                badge_says: if count > 0 { texts.count(says, count) } else { String::new() },
            }
        });
        let all = platform.clients();
        let clients = all.iter().filter(|_| self.may(Right::AllClients)).map(|client| ClientLine {
            id: client.id.to_string(),
            name: client.name.clone(),
            current: client.id == self.client.id,
        });
        let simulated = self.client.destinations.iter().filter_map(|destination| {
            destination.simulated.clone().map(|address| (destination.name.clone(), address))
        });
        Ok(Frame {
            look: self.look,
            title,
            here: self.here.clone(),
            csrf: self.session.csrf.reveal().to_owned(),
            user_name: self.session.user.name.clone(),
            user_role: texts.get(super::plain::role_key(self.session.user.role)),
            client_name: self.client.name.clone(),
            clients: clients.collect(),
            nav: nav.collect(),
            demo: platform.options.demo.then(|| Demo { simulated: simulated.collect() }),
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("xismart_theme=light; ismart_theme=dark"));
        headers.append("cookie", HeaderValue::from_static("ismart_language=en"));
        let look = Look::of(&headers);
        assert_eq!((look.language, look.theme), (Language::En, "dark"));
        assert_eq!(cookie(&headers, "theme"), None);
    }
}

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ismart_connect::Egress;
use ismart_domain::BoxFuture;
use ismart_domain::ports::{KeeperError, KeptPair, TokenKeeper, TokenPair};
use ismart_emulators::amocrm::{AccountHandle, Fault, Kind, Rule, Switch};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::{ANNA, account, called, class, open, settings};
use crate::contract::egress;
use crate::leads::lead;

/// Keeps pairs in memory as the store does in its database: with versions and claims.
#[derive(Debug, Default)]
struct Memory(Mutex<HashMap<String, Row>>);

#[derive(Debug, Default)]
struct Row {
    version: i64,
    pair: Option<TokenPair>,
    claimed: bool,
}

impl TokenKeeper for Memory {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<KeptPair>, KeeperError>> {
        let all = self.0.lock().unwrap();
        let row = all.get(name);
        let kept = row.and_then(|row| Some(KeptPair { version: row.version, pair: row.pair.clone()? }));
        Box::pin(async move { Ok(kept) })
    }

    fn claim<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        _during: SignedDuration,
    ) -> BoxFuture<'a, Result<bool, KeeperError>> {
        let mut all = self.0.lock().unwrap();
        let row = all.entry(name.to_owned()).or_default();
        let free = !row.claimed && row.version == version;
        row.claimed |= free;
        Box::pin(async move { Ok(free) })
    }

    fn release<'a>(&'a self, name: &'a str, version: i64) -> BoxFuture<'a, Result<(), KeeperError>> {
        let mut all = self.0.lock().unwrap();
        if let Some(row) = all.get_mut(name).filter(|row| row.version == version) {
            row.claimed = false;
        }
        Box::pin(async { Ok(()) })
    }

    fn keep<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        pair: &'a TokenPair,
    ) -> BoxFuture<'a, Result<bool, KeeperError>> {
        let mut all = self.0.lock().unwrap();
        let row = all.entry(name.to_owned()).or_default();
        let right = row.version == version;
        if right {
            *row = Row { version: version + 1, pair: Some(pair.clone()), claimed: false };
        }
        Box::pin(async move { Ok(right) })
    }
}

impl Memory {
    /// The pair is about to end.
    fn age(&self) {
        for row in self.0.lock().unwrap().values_mut() {
            if let Some(pair) = &mut row.pair {
                pair.lasts = SignedDuration::from_secs(5);
            }
        }
    }

    fn version(&self) -> i64 {
        self.0.lock().unwrap().values().map(|row| row.version).max().unwrap_or(0)
    }
}

async fn connected() -> AccountHandle {
    account(|builder| builder.integration("client-1", "hush-secret", "https://ismart.example/oauth")).await
}

fn by_code(account: &AccountHandle) -> Map<String, Value> {
    let more = json!({"token": account.authorize("client-1", ANNA), "client_id": "client-1",
                      "client_secret": "hush-secret", "redirect_uri": "https://ismart.example/oauth"});
    settings(account, more)
}

fn keeping(keeper: &Arc<Memory>) -> Egress {
    egress().keeping(Arc::clone(keeper) as Arc<dyn TokenKeeper>)
}

/// P10: a code becomes a pair once; the pair outlives the connector; an ending one is replaced before it ends.
#[tokio::test]
async fn p10_a_code_becomes_a_pair_that_is_kept_and_replaced() {
    let account = connected().await;
    let keeper = Arc::new(Memory::default());
    let settings = by_code(&account);
    open(&settings, &keeping(&keeper)).deliver(&lead(1)).await.unwrap();
    assert_eq!((called(&account, "oauth.token"), keeper.version()), (1, 1));
    open(&settings, &keeping(&keeper)).deliver(&lead(2)).await.unwrap();
    assert_eq!(called(&account, "oauth.token"), 1, "a restart buys nothing");
    keeper.age();
    open(&settings, &keeping(&keeper)).deliver(&lead(3)).await.unwrap();
    assert_eq!((called(&account, "oauth.token"), keeper.version()), (2, 2));
    assert_eq!((account.count(Kind::Lead), account.findings().len()), (3, 0));
}

/// P10: however many need a new pair at once, in this process and in another, one exchange is made.
#[tokio::test]
async fn p10_many_that_need_a_new_pair_at_once_make_one_exchange() {
    let account = connected().await;
    let keeper = Arc::new(Memory::default());
    let settings = by_code(&account);
    let (here, there) = (keeping(&keeper), keeping(&keeper));
    for round in 1..=3_u32 {
        let work = (0..8_u32).map(|number| {
            let egress = if number % 2 == 0 { &here } else { &there };
            let connector = open(&settings, egress);
            tokio::spawn(async move { connector.deliver(&lead(round * 100 + number)).await })
        });
        for done in work.collect::<Vec<_>>() {
            done.await.unwrap().unwrap();
        }
        assert_eq!(called(&account, "oauth.token"), usize::try_from(round).unwrap(), "round {round}");
        assert!(account.requests().iter().all(|r| r.method != "oauth.token" || r.status == 200));
        keeper.age();
    }
    assert_eq!(account.count(Kind::Lead), 24);
}

/// P10: a token that the account turns down before its end is replaced, and the call goes on.
#[tokio::test]
async fn p10_a_token_that_ended_early_is_replaced_within_the_call() {
    let account = connected().await;
    let keeper = Arc::new(Memory::default());
    let connector = open(&by_code(&account), &keeping(&keeper));
    connector.deliver(&lead(1)).await.unwrap();
    account.faults().turn(Switch::ExpireAccess).unwrap();
    connector.deliver(&lead(2)).await.unwrap();
    assert_eq!((account.count(Kind::Lead), keeper.version()), (2, 2));
}

/// P10: an exchange whose request was lost is made again at once; one whose answer was lost has spent the token, and
/// a person must connect anew, while the leads wait.
#[tokio::test]
async fn p10_a_lost_exchange_is_tried_once_more_and_a_spent_token_calls_a_person() {
    let account = connected().await;
    let keeper = Arc::new(Memory::default());
    let mut settings = by_code(&account);
    open(&settings, &keeping(&keeper)).deliver(&lead(1)).await.unwrap();
    keeper.age();
    account.faults().add(Rule::new(Fault::DropBeforeCommit).method("oauth.token").times(1));
    open(&settings, &keeping(&keeper)).deliver(&lead(2)).await.unwrap();
    assert_eq!(keeper.version(), 2);

    keeper.age();
    account.faults().add(Rule::new(Fault::DropAfterCommit).method("oauth.token").times(1));
    let connector = open(&settings, &keeping(&keeper));
    for error in [connector.deliver(&lead(3)).await.unwrap_err(), connector.check().await.unwrap_err()] {
        assert_eq!(class(&error), "settings", "{error}");
        let text = error.to_string();
        assert!(text.contains("connect the account anew") && text.contains("`token`"), "{text}");
        assert!(!text.contains("hush-secret") && !text.contains("def502"), "{text}");
    }
    assert_eq!(account.count(Kind::Lead), 2);
    settings.insert("token".into(), json!(account.authorize("client-1", ANNA)));
    keeper.age();
    open(&settings, &keeping(&keeper)).deliver(&lead(3)).await.unwrap();
    assert_eq!((account.count(Kind::Lead), keeper.version()), (3, 3));
}

/// P10: what is missing is named before anything is sent.
#[tokio::test]
async fn p10_half_an_integration_is_refused() {
    let account = connected().await;
    let entry = ismart_connect::find("amocrm").unwrap();
    let problems = |settings: &Map<String, Value>, egress: &Egress| -> Vec<String> {
        match (entry.open)(settings, egress) {
            Ok(_) => Vec::new(),
            Err(error) => error.problems.into_iter().map(|problem| problem.key).collect(),
        }
    };
    let keeper = Arc::new(Memory::default());
    let whole = by_code(&account);
    assert!(problems(&whole, &keeping(&keeper)).is_empty());
    assert_eq!(problems(&whole, &egress()), ["client_id"], "nobody keeps the tokens");
    let mut half = whole.clone();
    half.remove("client_secret");
    half.remove("redirect_uri");
    assert_eq!(problems(&half, &keeping(&keeper)), ["client_secret", "redirect_uri"]);
    assert_eq!(account.requests().len(), 0);
}

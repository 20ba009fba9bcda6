use ismart_domain::Secret;
use ismart_domain::ports::{TokenKeeper, TokenPair};
use ismart_store::destination_tokens::DestinationTokens;
use jiff::SignedDuration;

use crate::engines::Temporary;
use crate::promises::{on_every_engine, tenant};

const NAME: &str = "amocrm acme.amocrm.ru";

fn pair(number: u32) -> TokenPair {
    TokenPair {
        access: Secret::new(format!("access-{number}")),
        refresh: Secret::new(format!("refresh-{number}")),
        lasts: SignedDuration::from_hours(24),
    }
}

#[tokio::test]
async fn p12_one_at_a_time_replaces_a_pair_and_none_is_lost() {
    on_every_engine(replaced).await;
}

async fn replaced(t: Temporary) {
    let (client, _) = tenant(&t.store, "avtograd").await;
    let (other, _) = tenant(&t.store, "other").await;
    let tokens = DestinationTokens::new(t.store.clone(), client);
    let second_process = DestinationTokens::new(t.store.clone(), client);
    let minute = SignedDuration::from_mins(1);
    assert_eq!(tokens.load(NAME).await.unwrap(), None);
    assert!(tokens.claim(NAME, 0, minute).await.unwrap());
    assert!(!second_process.claim(NAME, 0, minute).await.unwrap(), "one at a time");
    assert_eq!(tokens.load(NAME).await.unwrap(), None, "a claim is no pair");
    assert!(tokens.keep(NAME, 0, &pair(1)).await.unwrap());
    let kept = second_process.load(NAME).await.unwrap().unwrap();
    assert_eq!((kept.version, kept.pair), (1, pair(1)));

    assert!(!second_process.claim(NAME, 0, minute).await.unwrap(), "the pair was replaced meanwhile");
    assert!(second_process.claim(NAME, 1, minute).await.unwrap());
    t.clock.advance(SignedDuration::from_secs(61));
    assert!(tokens.claim(NAME, 1, minute).await.unwrap(), "a claim whose holder died ends");
    assert!(tokens.keep(NAME, 1, &pair(2)).await.unwrap());
    assert!(!second_process.keep(NAME, 1, &pair(3)).await.unwrap(), "who came late replaces nothing");
    let kept = tokens.load(NAME).await.unwrap().unwrap();
    assert_eq!((kept.version, kept.pair.refresh), (2, Secret::new("refresh-2")));
    t.clock.advance(SignedDuration::from_hours(23));
    let kept = tokens.load(NAME).await.unwrap().unwrap();
    assert_eq!(kept.pair.lasts, SignedDuration::from_hours(1));

    assert!(tokens.claim(NAME, 2, minute).await.unwrap());
    tokens.release(NAME, 2).await.unwrap();
    assert!(second_process.claim(NAME, 2, minute).await.unwrap(), "the right was given back");

    let strangers = DestinationTokens::new(t.store.clone(), other);
    assert_eq!(strangers.load(NAME).await.unwrap(), None);
    assert!(!strangers.keep(NAME, 2, &pair(9)).await.unwrap());
    assert!(!format!("{tokens:?} {kept:?}").contains("refresh-2"));
}

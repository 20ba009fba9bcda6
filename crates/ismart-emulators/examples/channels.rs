//! Opens the emulators of channels, prints where they are, and serves until its standard input ends: for trying connectors and
//! public clients by hand.
//!
//! ```sh
//! cargo run -p ismart-emulators --example channels -- public_key.der
//! ```
//!
//! The argument is the public key of the service account, `RSAPublicKey` in DER.

use std::io::Read as _;

use ismart_domain::Env;
use ismart_emulators::calltouch::CallTouch;
use ismart_emulators::max::Max;
use ismart_emulators::receiver::Receiver;
use ismart_emulators::sheets::{Account, Sheets};
use ismart_emulators::smtp::Smtp;
use ismart_emulators::telegram::{Chat, Telegram};
use ismart_emulators::vk::Vk;
use jiff::Timestamp;

const EMAIL: &str = "leads@acme-site.iam.gserviceaccount.com";

fn now() -> Timestamp {
    Env::system().now()
}

#[expect(clippy::print_stdout, reason = "it says where to go")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let public_key = match std::env::args().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => Vec::new(),
    };
    let telegram = Telegram::start("4711:AAbbccddeeff", None, now).await?;
    telegram.chat(504_141, Chat::Open);
    telegram.chat(13, Chat::Blocked);
    telegram.chat(-77, Chat::Moved(-1_001_234_567_890));
    let vk = Vk::start("vk1.a.token", None, now).await?;
    vk.permit(504_141, true);
    let max = Max::start("max-token", None, now).await?;
    max.chat(-69_001, true);
    max.chat(504_141, true);
    let account = Account { email: EMAIL.to_owned(), public_key };
    let sheets = Sheets::start(account, "1AbC_dEfG-hIjK", "Заявки", None, now).await?;
    let calltouch = CallTouch::start(4242, "ct-token", None, now).await?;
    let receiver = Receiver::start("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None, now).await?;
    let smtp = Smtp::builder(now).user("site@acme.example", "secret").start().await?;
    println!("telegram {}", telegram.base_url());
    println!("vk {}", vk.base_url());
    println!("max {}", max.base_url());
    println!("sheets {}", sheets.base_url());
    println!("calltouch {}", calltouch.base_url());
    println!("receiver {}", receiver.url());
    println!("smtp {}", smtp.addr());
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    ended.await??;
    Ok(())
}

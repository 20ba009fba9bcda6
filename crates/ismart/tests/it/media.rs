//! The media library of the real server: what is sent is judged, what is taken reaches visitors.

use std::time::{Duration, Instant};

use reqwest::StatusCode;

use crate::server::{Server, data_folder, hidden, reqwest_client, sign_in, user};

const CONFIG: &str = "[console]\nhosts = ['127.0.0.1']\n[http]\nper_minute = 100000\n[[client]]\nslug = 'avtograd'\nname = 'Автоград'\n";

/// A signed-in owner.
struct Owner {
    server: Server,
    client: reqwest::Client,
    cookie: String,
    csrf: String,
    data: tempfile::TempDir,
}

impl Owner {
    async fn enter() -> Self {
        let data = data_folder(CONFIG);
        user(data.path(), "owner", "avtograd", "owner", "en");
        let server = Server::start(data.path()).await;
        let client = reqwest_client();
        let cookie = sign_in(&client, &server.base, "owner").await;
        let page = client.get(format!("{}/console/media", server.base)).header("cookie", &cookie);
        let page = page.send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        let csrf = hidden(&page.text().await.unwrap(), "csrf");
        Self { server, client, cookie, csrf, data }
    }

    async fn send(&self, path: &str, name: &str, content: Vec<u8>) -> (StatusCode, String) {
        let line = "----pictures";
        let mut body = Vec::new();
        for (field, text) in [("csrf", self.csrf.as_str()), ("site", "avtograd"), ("purpose", "icon")] {
            body.extend(
                format!("--{line}\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{text}\r\n")
                    .bytes(),
            );
        }
        body.extend(
            format!(
                "--{line}\r\ncontent-disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\r\n"
            )
            .bytes(),
        );
        body.extend(content);
        body.extend(format!("\r\n--{line}--\r\n").bytes());
        let request = self.client.post(format!("{}{path}", self.server.base)).header("cookie", &self.cookie);
        let request =
            request.header("content-type", format!("multipart/form-data; boundary={line}")).body(body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let request = self.client.get(format!("{}{path}", self.server.base)).header("cookie", &self.cookie);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.bytes().await.unwrap().to_vec())
    }

    async fn post(&self, path: &str, fields: &str) -> StatusCode {
        let request = self.client.post(format!("{}{path}", self.server.base)).header("cookie", &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("csrf={}&{fields}", self.csrf)).send().await.unwrap().status()
    }

    /// Waits until visitors get a file, or no longer do.
    async fn visitors_get(&self, path: &str, wanted: StatusCode) {
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let request =
                self.client.get(format!("{}{path}", self.server.base)).header("host", "avtograd.localhost");
            let found = request.send().await.unwrap().status();
            if found == wanted {
                return;
            }
            assert!(Instant::now() < end, "{path} answers {found}, not {wanted}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A PNG of one colour, made of stored blocks: no encoder needed.
fn png(side: u32) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        !crc
    };
    let chunk = |kind: &[u8], data: &[u8]| {
        let named = [kind, data].concat();
        [u32::try_from(data.len()).unwrap().to_be_bytes().as_slice(), &named, &crc(&named).to_be_bytes()]
            .concat()
    };
    let mut raw = Vec::new();
    for y in 0..side {
        raw.push(0);
        raw.extend(
            (0..side).flat_map(|x| [200, u8::try_from(x % 250).unwrap(), u8::try_from(y % 250).unwrap()]),
        );
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in &raw {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let mut zlib = vec![0x78, 0x01];
    let count = raw.chunks(65_535).count();
    for (at, piece) in raw.chunks(65_535).enumerate() {
        let len = u16::try_from(piece.len()).unwrap();
        zlib.push(u8::from(at + 1 == count));
        zlib.extend([len.to_le_bytes(), (!len).to_le_bytes()].concat());
        zlib.extend(piece);
    }
    zlib.extend(((b << 16) | a).to_be_bytes());
    let head = [side.to_be_bytes().as_slice(), &side.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", &head), &chunk(b"IDAT", &zlib), &chunk(b"IEND", b"")]
        .concat()
}

#[tokio::test]
async fn what_is_no_good_picture_is_refused_with_the_reason() {
    let owner = Owner::enter().await;
    let mut bomb = png(8);
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    for (name, content, status, why) in [
        ("huge.jpg", vec![0xff; 50 * 1024 * 1024], StatusCode::PAYLOAD_TOO_LARGE, "is larger than 15"),
        ("bomb.png", bomb, StatusCode::UNPROCESSABLE_ENTITY, "65535 × 65535 pixels are too many"),
        (
            "x.svg",
            b"<svg><script>alert(1)</script></svg>".to_vec(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "&lt;script&gt;",
        ),
        ("y.svg", b"<svg onload=\"x()\"/>".to_vec(), StatusCode::UNPROCESSABLE_ENTITY, "runs a script"),
        (
            "shell.php.jpg",
            b"<?php system($_GET[0]);".to_vec(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "no JPEG, PNG",
        ),
    ] {
        let (found, text) = owner.send("/console/media", name, content).await;
        assert_eq!(found, status, "{name}");
        assert!(text.contains(why), "{name}: {text}");
    }
    assert!(!owner.data.path().join("sites/avtograd/data/img/media").exists(), "nothing was written");
    for path in
        ["..%2f..%2fglobal.json", "../../../config/site.toml", "%2e%2e/x.png", "nothing.png", "a%00.png"]
    {
        let (status, _) = owner.get(&format!("/console/media/avtograd/file/{path}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(owner.get("/console/media?site=another").await.0, StatusCode::NOT_FOUND);
    // A form of another page, and one without the session's token, change nothing.
    let bare = Owner { csrf: "0".repeat(64), ..owner };
    assert_eq!(bare.send("/console/media", "a.png", png(8)).await.0, StatusCode::FORBIDDEN);
    assert!(!bare.data.path().join("sites/avtograd/data/img/media").exists());
    // Nobody else is affected.
    bare.visitors_get("/", StatusCode::OK).await;
}

#[tokio::test]
async fn a_picture_reaches_visitors_in_every_format() {
    let owner = Owner::enter().await;
    let (status, text) = owner.send("/console/media", "../../Наш салон.png", png(300)).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    for file in ["nash-salon.jpg", "nash-salon-64w.avif", "nash-salon-256w.webp", "nash-salon-128w.jpg"] {
        owner.visitors_get(&format!("/data/img/media/{file}"), StatusCode::OK).await;
    }
    let (status, twin) = owner.send("/console/media", "other.png", png(300)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(twin.contains("the same picture is there already: media/nash-salon.jpg"), "{twin}");
    let about = "/console/media/avtograd/about/media/nash-salon.jpg";
    let (status, page) = owner.get(about).await;
    let page = String::from_utf8(page).unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("AVIF") && page.contains("No page and no template names it."), "{page}");
    let fields = "x=250&y=900&purpose=icon&alt-ru=%D0%A1%D0%B0%D0%BB%D0%BE%D0%BD";
    assert_eq!(owner.post(about, fields).await, StatusCode::SEE_OTHER);
    let sidecar = owner.data.path().join("sites/avtograd/data/img/media/nash-salon.jpg.json");
    let text = std::fs::read_to_string(&sidecar).unwrap();
    assert!(
        text.contains("\"x\": 250") && text.contains("Салон") && text.contains("nash-salon-64w.avif"),
        "{text}"
    );
    assert_eq!(owner.post(about, "x=2000&y=0&purpose=icon").await, StatusCode::UNPROCESSABLE_ENTITY);
    let replace = "/console/media/avtograd/replace/media/nash-salon.jpg";
    assert_eq!(owner.send(replace, "b.png", png(200)).await.0, StatusCode::SEE_OTHER);
    assert!(owner.send(replace, "c.svg", b"<svg/>".to_vec()).await.1.contains("one of the same kind: .jpg"));
    owner.visitors_get("/data/img/media/nash-salon-200w.avif", StatusCode::OK).await;
    assert_eq!(
        owner.post("/console/media/avtograd/remove/media/nash-salon.jpg", "").await,
        StatusCode::SEE_OTHER
    );
    owner.visitors_get("/data/img/media/nash-salon.jpg", StatusCode::NOT_FOUND).await;
    assert!(!sidecar.exists());
}

#[tokio::test]
async fn the_editor_takes_pictures_in_and_describes_them_in_place() {
    let owner = Owner::enter().await;
    let base = "/console/media/avtograd";
    let (status, part) = owner.send(&format!("{base}/pictures"), "Наш дом.png", png(64)).await;
    assert_eq!(status, StatusCode::OK, "{part}");
    let (_, rest) = part.split_once("data-taken=\"").unwrap_or_else(|| panic!("{part}"));
    let taken = rest.split('"').next().unwrap().to_owned();
    assert!(part.contains(&format!("data-picture=\"{taken}\" aria-pressed=\"true\"")), "{part}");
    // It is the first one, and only the list: no page around it.
    assert!(part.find("data-picture").unwrap() < part.find("64 × 64").unwrap() && !part.contains("<html"));
    owner.visitors_get(&format!("/data/img/{taken}"), StatusCode::OK).await;
    let (_, form) = owner.get(&format!("{base}/picture/{taken}")).await;
    let form = String::from_utf8(form).unwrap();
    assert!(
        form.contains("name=\"x\"") && form.contains("name=\"alt-ru\"") && !form.contains("<html"),
        "{form}"
    );
    let said = owner
        .post(&format!("{base}/about/{taken}"), "x=200&y=300&purpose=icon&alt-ru=%D0%94%D0%BE%D0%BC")
        .await;
    assert_eq!(said, StatusCode::SEE_OTHER);
    let (_, found) = owner.get(&format!("{base}/pictures?q=%D0%B4%D0%BE%D0%BC")).await;
    assert!(String::from_utf8(found).unwrap().contains(&taken), "found by what it shows");
    let (_, none) = owner.get(&format!("{base}/pictures?q=nothing-like-it")).await;
    assert!(!String::from_utf8(none).unwrap().contains("data-picture"));
    // What is refused is told in the same place, and the others are listed all the same.
    let drawing = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>".to_vec();
    let (status, part) = owner.send(&format!("{base}/pictures"), "bad.svg", drawing).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        part.contains("reason bad") && part.contains("bad.svg") && part.contains("data-picture"),
        "{part}"
    );
    for path in ["../../config/site.toml", "none.png"] {
        let (status, _) = owner.get(&format!("{base}/picture/{path}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

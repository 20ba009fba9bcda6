//! Pictures of pages, taken by a browser of this machine, and how two of them differ.

use std::io::Cursor;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// Names under which Chromium is installed.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

/// How long one picture may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pixels whose colours differ by less, summed over red, green and blue, look the same.
const SAME: u32 = 24;

/// A browser without a window.
#[derive(Debug, Clone)]
pub struct Camera {
    program: &'static str,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// The browser cannot be started or its picture not be read.
    #[error("the browser gave no picture: {0}")]
    Browser(#[from] std::io::Error),
    /// The browser was not ready in time.
    #[error("the browser took longer than {} seconds", PATIENCE.as_secs())]
    Late,
    /// A picture is no PNG.
    #[error("the picture cannot be read: {0}")]
    Picture(String),
}

/// How two pictures differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Pixels that differ.
    pub differing: u64,
    /// Pixels of the larger picture.
    pub all: u64,
    /// The second picture, pale, with the differing pixels in red; PNG.
    pub picture: Vec<u8>,
}

impl Compared {
    /// The share of differing pixels, thousandths.
    #[must_use]
    pub fn per_mille(&self) -> u64 {
        self.differing * 1000 / self.all.max(1)
    }
}

impl Camera {
    /// The browser of this machine, if there is one.
    #[must_use]
    pub fn find() -> Option<Self> {
        let found = |program: &&&str| {
            let mut command = std::process::Command::new(program);
            let quiet = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
            quiet.status().is_ok_and(|status| status.success())
        };
        BROWSERS.iter().find(found).map(|program| Self { program })
    }

    /// A picture of the upper part of a page, PNG, in pixels.
    ///
    /// # Errors
    /// When the browser fails or takes too long.
    pub async fn shoot(&self, url: &str, width: u32, height: u32) -> Result<Vec<u8>, CameraError> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("page.png");
        let mut command = Command::new(self.program);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--hide-scrollbars", "--force-prefers-reduced-motion", "--virtual-time-budget=3000"])
            // Pages of a client's site may ask other hosts for scripts; a preview must not.
            .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--screenshot={}", file.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let status =
            tokio::time::timeout(PATIENCE, command.status()).await.map_err(|_late| CameraError::Late)??;
        if !status.success() {
            return Err(CameraError::Picture(format!("the browser ended with {status}")));
        }
        read(&file).await
    }
}

async fn read(file: &Path) -> Result<Vec<u8>, CameraError> {
    Ok(tokio::fs::read(file).await?)
}

/// A decoded picture: four bytes a pixel.
struct Pixels {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

impl Pixels {
    fn read(png: &[u8]) -> Result<Self, CameraError> {
        let wrong = |error: png::DecodingError| CameraError::Picture(error.to_string());
        let mut decoder = png::Decoder::new(Cursor::new(png));
        decoder
            .set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
        let mut reader = decoder.read_info().map_err(wrong)?;
        let size =
            reader.output_buffer_size().ok_or_else(|| CameraError::Picture("it is too large".into()))?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes).map_err(wrong)?;
        let side = |n: u32| usize::try_from(n).unwrap_or(0);
        let (width, height) = (side(info.width), side(info.height));
        if bytes.len() < width * height * 4 {
            return Err(CameraError::Picture("it has no colours".to_owned()));
        }
        Ok(Self { width, height, bytes })
    }

    /// Red, green and blue; `None` outside of the picture.
    fn at(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        let start = (y * self.width + x) * 4;
        let pixel = self.bytes.get(start..start + 3).filter(|_| x < self.width && y < self.height)?;
        pixel.try_into().ok()
    }
}

impl Compared {
    /// Compares two pictures (PNG) pixel by pixel; what only one of them has differs.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn of(before: &[u8], after: &[u8]) -> Result<Self, CameraError> {
        let (before, after) = (Pixels::read(before)?, Pixels::read(after)?);
        let (width, height) = (before.width.max(after.width), before.height.max(after.height));
        let mut differing = 0;
        let mut drawn = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                let same = match (before.at(x, y), after.at(x, y)) {
                    (Some(a), Some(b)) => {
                        a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>() < SAME
                    }
                    _ => false,
                };
                if same {
                    let pale = |c: u8| 255 - (255 - c) / 4;
                    drawn.extend(after.at(x, y).unwrap_or_default().map(pale));
                } else {
                    differing += 1;
                    drawn.extend([214, 40, 40]);
                }
            }
        }
        let mut picture = Vec::new();
        let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(&mut picture, side(width), side(height));
        encoder.set_color(png::ColorType::Rgb);
        let wrong = |error: png::EncodingError| CameraError::Picture(error.to_string());
        encoder.write_header().and_then(|mut writer| writer.write_image_data(&drawn)).map_err(wrong)?;
        Ok(Self { differing, all: u64::try_from(width * height).unwrap_or(u64::MAX), picture })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, at: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        let pixels: Vec<u8> =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| at(x, y)).collect();
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        bytes
    }

    #[test]
    fn differing_pixels_are_counted_and_shown() {
        let white = picture(10, 10, |_, _| [255; 3]);
        let dotted = picture(10, 10, |x, y| if (x, y) == (3, 4) { [0; 3] } else { [250; 3] });
        let compared = Compared::of(&white, &dotted).unwrap();
        assert_eq!((compared.differing, compared.all, compared.per_mille()), (1, 100, 10));
        assert_eq!(Pixels::read(&compared.picture).unwrap().at(3, 4), Some([214, 40, 40]));
        assert_eq!(Compared::of(&white, &white).unwrap().differing, 0);
        let taller = picture(10, 12, |_, _| [255; 3]);
        assert_eq!(Compared::of(&white, &taller).unwrap().differing, 20);
        assert!(Compared::of(b"no picture", &white).is_err());
    }
}

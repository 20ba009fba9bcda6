//! A folder of pictures with their sidecars. Every file is written beside its place and moved there.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::encode::{Making, make, upright};
use crate::sidecar::{Focal, Sidecar, SidecarVariant};
use crate::{Format, Refused, Use, digest, drawing, examine, is_safe, safe_name};

/// Folder, below the library, that new pictures go to.
const NEW: &str = "media";
/// How deep folders may be nested.
const DEPTH: usize = 8;
/// Endings of pictures.
const PICTURES: [&str; 7] = ["avif", "gif", "jpeg", "jpg", "png", "svg", "webp"];

/// Why the library did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The picture is not taken.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// The same picture is there already.
    #[error("the same picture is there already: {0}")]
    Twin(String),
    /// There is no such picture.
    #[error("there is no picture `{0}`")]
    Missing(String),
    /// The new picture is of another kind than the one that it would replace.
    #[error(
        "a picture is replaced by one of its own kind: this one needs .{needed}, the file sent makes .{found}"
    )]
    OtherKind {
        /// Ending of the picture.
        needed: String,
        /// Ending of what was sent.
        found: &'static str,
    },
    /// The folder cannot be read or written.
    #[error("the folder of pictures cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

/// A picture of the library.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its path below the library.
    pub path: String,
    /// Bytes.
    pub bytes: u64,
    /// Pixels, as far as they can be told.
    pub size: Option<(u32, u32)>,
    /// What lies beside it.
    pub sidecar: Option<Sidecar>,
}

/// A folder of pictures.
#[derive(Debug, Clone)]
pub struct Library {
    root: PathBuf,
}

impl Library {
    /// The library in `root`, which need not be there yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Every picture by path; sizes made of others are left out.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> Result<Vec<Item>, LibraryError> {
        let mut files = Vec::new();
        if self.root.is_dir() {
            walk(&self.root, "", 0, &mut files)?;
        }
        let mut made = HashSet::new();
        let mut sidecars = BTreeMap::new();
        for path in files.iter().filter(|path| path.ends_with(".json")) {
            let Some(picture) = path.strip_suffix(".json").filter(|path| is_picture(path)) else { continue };
            let Some(sidecar) = self.sidecar(picture)? else { continue };
            made.extend(sidecar.variants.iter().map(|variant| beside(picture, &variant.file)));
            sidecars.insert(picture.to_owned(), sidecar);
        }
        let own = files.iter().filter(|path| is_picture(path) && !made.contains(*path));
        own.map(|path| {
            let place = self.root.join(path);
            let size = imagesize::size(&place).ok();
            let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
            Ok(Item {
                path: path.clone(),
                bytes: place.metadata()?.len(),
                size: size.map(|size| (side(size.width), side(size.height))),
                sidecar: sidecars.remove(path),
            })
        })
        .collect()
    }

    /// One picture.
    ///
    /// # Errors
    /// [`LibraryError::Missing`] for a path that is none of a picture here.
    pub fn get(&self, path: &str) -> Result<Item, LibraryError> {
        let place = self.place(path)?;
        let size = imagesize::size(&place).ok();
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        Ok(Item {
            path: path.to_owned(),
            bytes: place.metadata()?.len(),
            size: size.map(|size| (side(size.width), side(size.height))),
            sidecar: self.sidecar(path)?,
        })
    }

    /// The bytes of a picture or of a size of one.
    ///
    /// # Errors
    /// [`LibraryError::Missing`].
    pub fn read(&self, path: &str) -> Result<Vec<u8>, LibraryError> {
        Ok(std::fs::read(self.place(path)?)?)
    }

    /// Takes a picture in: judges it, gives it a safe name, turns it upright, forgets the camera's notes. Its sizes are
    /// made by [`Library::finish`]. Gives its path.
    ///
    /// # Errors
    /// [`LibraryError::Refused`], [`LibraryError::Twin`], the folder.
    pub fn add(&self, given: &str, bytes: &[u8], purpose: &Use) -> Result<String, LibraryError> {
        let header = examine(bytes)?;
        let sha256 = digest(bytes);
        if let Some(twin) = self.twin(bytes, &sha256)? {
            return Err(LibraryError::Twin(twin));
        }
        let (extension, content) = if header.format == Format::Svg {
            drawing(bytes)?;
            ("svg", bytes.to_vec())
        } else {
            let upright = upright(bytes)?;
            (upright.extension, upright.bytes)
        };
        let path = self.free(&safe_name(given), extension);
        self.write(&path, &content)?;
        let size = imagesize::blob_size(&content).ok();
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let sidecar = Sidecar {
            purpose: purpose.name.to_owned(),
            sha256,
            width: size.as_ref().map_or(0, |size| side(size.width)),
            height: size.as_ref().map_or(0, |size| side(size.height)),
            ..Sidecar::default()
        };
        self.put(&path, &sidecar)?;
        Ok(path)
    }

    /// Makes the sizes of a picture, in place of those that it had. Slow. Gives the bytes of its widest AVIF when they
    /// are over the budget of its use.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], [`LibraryError::Refused`], the folder.
    pub fn finish(&self, path: &str) -> Result<Option<u64>, LibraryError> {
        let bytes = self.read(path)?;
        if path.ends_with(".svg") {
            return Ok(None);
        }
        let sidecar = self.sidecar(path)?.unwrap_or_default();
        let purpose = Use::named(&sidecar.purpose).or_else(|| Use::named("card")).ok_or(Refused::Unknown)?;
        let made = make(&bytes, &Making { purpose, focal: sidecar.focal, ratio: None })?;
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let mut variants = Vec::new();
        for variant in &made.variants {
            // The picture itself serves as its own widest size.
            let file = format!("{stem}-{}w.{}", variant.width, variant.extension);
            self.write(&file, &variant.bytes)?;
            variants.push(SidecarVariant {
                file: file.rsplit('/').next().unwrap_or(&file).to_owned(),
                kind: variant.kind.to_owned(),
                width: variant.width,
                height: variant.height,
                bytes: variant.bytes.len() as u64,
            });
        }
        // What was described meanwhile stands.
        let now = self.sidecar(path)?.unwrap_or(sidecar);
        let kept: HashSet<&str> = variants.iter().map(|variant| variant.file.as_str()).collect();
        self.drop_variants(path, &now, &kept);
        self.put(path, &Sidecar { variants, width: made.width, height: made.height, ..now })?;
        Ok(made.over_budget)
    }

    /// Puts another picture in the place of one; what was said about the old one stays.
    ///
    /// # Errors
    /// [`LibraryError::OtherKind`], [`LibraryError::Refused`], [`LibraryError::Missing`], the folder.
    pub fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), LibraryError> {
        let old = self.get(path)?;
        let needed = path.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
        let (found, content) = if examine(bytes)?.format == Format::Svg {
            drawing(bytes)?;
            ("svg", bytes.to_vec())
        } else {
            let upright = upright(bytes)?;
            (upright.extension, upright.bytes)
        };
        if needed != found && !(needed == "jpeg" && found == "jpg") {
            return Err(LibraryError::OtherKind { needed, found });
        }
        let sidecar = old.sidecar.unwrap_or_default();
        self.drop_variants(path, &sidecar, &HashSet::new());
        self.write(path, &content)?;
        self.put(path, &Sidecar { sha256: digest(bytes), variants: Vec::new(), ..sidecar })
    }

    /// Says what a picture shows and which point must stay visible.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], the folder.
    pub fn describe(
        &self,
        path: &str,
        alt: BTreeMap<String, String>,
        focal: Focal,
        purpose: Option<&Use>,
    ) -> Result<(), LibraryError> {
        let item = self.get(path)?;
        let old = item.sidecar.unwrap_or_default();
        let (width, height) = item.size.unwrap_or((old.width, old.height));
        let purpose = purpose.map_or_else(|| old.purpose.clone(), |purpose| purpose.name.to_owned());
        self.put(path, &Sidecar { alt, focal, purpose, width, height, ..old })
    }

    /// Takes a picture away with everything that was made of it.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], the folder.
    pub fn remove(&self, path: &str) -> Result<(), LibraryError> {
        let place = self.place(path)?;
        let sidecar = self.sidecar(path)?;
        std::fs::remove_file(&place)?;
        if let Some(sidecar) = sidecar {
            self.drop_variants(path, &sidecar, &HashSet::new());
            std::fs::remove_file(self.root.join(format!("{path}.json")))?;
        }
        Ok(())
    }

    /// Where a picture lies.
    fn place(&self, path: &str) -> Result<PathBuf, LibraryError> {
        let missing = || LibraryError::Missing(path.chars().take(200).collect());
        if !is_safe(path) || !is_picture(path) {
            return Err(missing());
        }
        let place = self.root.join(path);
        // A link could lead out of the folder.
        let (real, root) = (place.canonicalize().or(Err(missing()))?, self.root.canonicalize()?);
        if real.starts_with(&root) && real.is_file() { Ok(place) } else { Err(missing()) }
    }

    fn sidecar(&self, path: &str) -> Result<Option<Sidecar>, LibraryError> {
        match std::fs::read(self.root.join(format!("{path}.json"))) {
            // A file of that name that says something else is none of ours.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn put(&self, path: &str, sidecar: &Sidecar) -> Result<(), LibraryError> {
        let mut text = serde_json::to_vec_pretty(sidecar).map_err(io::Error::from)?;
        text.push(b'\n');
        self.write(&format!("{path}.json"), &text)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), LibraryError> {
        let place = self.root.join(path);
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let fresh = place.with_file_name(format!(".{name}.new"));
        std::fs::write(&fresh, bytes)?;
        Ok(std::fs::rename(&fresh, &place)?)
    }

    /// The picture that is the same as these bytes.
    fn twin(&self, bytes: &[u8], sha256: &str) -> Result<Option<String>, LibraryError> {
        for item in self.list()? {
            let as_sent = item.sidecar.as_ref().is_some_and(|sidecar| sidecar.sha256 == sha256);
            let as_it_lies =
                item.bytes == bytes.len() as u64 && self.read(&item.path).is_ok_and(|there| there == bytes);
            if as_sent || as_it_lies {
                return Ok(Some(item.path));
            }
        }
        Ok(None)
    }

    /// A path for a new picture that nothing has.
    fn free(&self, name: &str, extension: &str) -> String {
        let path = |number: u32| match number {
            1 => format!("{NEW}/{name}.{extension}"),
            _ => format!("{NEW}/{name}-{number}.{extension}"),
        };
        let taken = |path: &String| self.root.join(path).exists();
        (1..=u32::MAX).map(path).find(|path| !taken(path)).unwrap_or_else(|| path(1))
    }

    /// Takes the sizes of a picture away but for those named.
    fn drop_variants(&self, path: &str, sidecar: &Sidecar, kept: &HashSet<&str>) {
        for variant in sidecar.variants.iter().filter(|variant| !kept.contains(variant.file.as_str())) {
            let file = beside(path, &variant.file);
            if is_safe(&file) && is_picture(&file) && file != path {
                // A size that is gone already is as good as taken away.
                let _gone = std::fs::remove_file(self.root.join(file)).is_err();
            }
        }
    }
}

fn is_picture(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| PICTURES.contains(&end.to_ascii_lowercase().as_str()))
}

/// The path of a file in the folder of another.
fn beside(path: &str, file: &str) -> String {
    path.rsplit_once('/').map_or_else(|| file.to_owned(), |(folder, _)| format!("{folder}/{file}"))
}

fn walk(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<String>) -> io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEPTH {
            walk(&entry.path(), &path, depth + 1, files)?;
        } else if kind.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(red: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        let low = |n: u32| u8::try_from(n % 256).unwrap();
        let picture = image::RgbImage::from_fn(600, 300, |x, y| image::Rgb([red, low(x), low(y)]));
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(&picture).unwrap();
        bytes
    }

    fn card() -> &'static Use {
        Use::named("card").unwrap()
    }

    #[test]
    fn a_picture_lives_from_upload_to_removal() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library::new(folder.path().join("img"));
        assert!(library.list().unwrap().is_empty());
        let path = library.add("../../Наш салон.JPEG", &picture(9), card()).unwrap();
        assert_eq!(path, "media/nash-salon.jpg");
        let twin = library.add("other.jpg", &picture(9), card()).unwrap_err();
        assert!(matches!(&twin, LibraryError::Twin(there) if *there == path), "{twin}");
        assert_eq!(library.add("Наш салон.png", &picture(200), card()).unwrap(), "media/nash-salon-2.jpg");
        let alt = BTreeMap::from([("ru".to_owned(), "Салон".to_owned())]);
        library.describe(&path, alt, Focal::new(250, 2000), None).unwrap();
        library.finish(&path).unwrap();
        let item = library.get(&path).unwrap();
        let sidecar = item.sidecar.unwrap();
        assert_eq!((sidecar.focal, item.size), (Focal { x: 250, y: 1000 }, Some((600, 300))));
        assert_eq!(sidecar.silent(&["ru", "en"]), ["en"]);
        let files: Vec<&str> = sidecar.variants.iter().map(|variant| variant.file.as_str()).collect();
        assert_eq!(files.len(), 6, "{files:?}");
        assert!(files.contains(&"nash-salon-320w.avif") && files.contains(&"nash-salon-600w.webp"));
        assert_eq!(library.list().unwrap().len(), 2, "sizes are no pictures of their own");
        library.replace(&path, &picture(100)).unwrap();
        assert!(library.get(&path).unwrap().sidecar.unwrap().alt.contains_key("ru"));
        assert!(library.read("media/nash-salon-320w.avif").is_err(), "sizes of the old picture are gone");
        let other = library.replace(&path, b"<svg/>").unwrap_err();
        assert!(other.to_string().contains("needs .jpg"), "{other}");
        library.finish(&path).unwrap();
        library.remove(&path).unwrap();
        let left: Vec<_> = std::fs::read_dir(folder.path().join("img/media")).unwrap().collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }

    #[test]
    fn no_path_leads_out_of_the_library() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret.png"), "x").unwrap();
        let library = Library::new(folder.path().join("img"));
        library.add("a.jpg", &picture(1), card()).unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.png"), folder.path().join("img/link.png"))
            .unwrap();
        for path in [
            "../secret.png",
            "media/../../secret.png",
            "/etc/passwd",
            "link.png",
            "media/a.jpg.json",
            "",
            "media",
        ] {
            assert!(matches!(library.read(path), Err(LibraryError::Missing(_))), "{path}");
            assert!(matches!(library.remove(path), Err(LibraryError::Missing(_))), "{path}");
        }
        assert!(folder.path().join("secret.png").exists());
    }

    #[test]
    fn what_is_refused_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library::new(folder.path());
        for bytes in [
            &b"<?php"[..],
            b"<svg onload='x'/>",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert!(matches!(library.add("x.svg", bytes, card()), Err(LibraryError::Refused(_))));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

//! Decoding once, cropping, resizing, writing.

use std::io::Cursor;

use fast_image_resize::images::Image;
use fast_image_resize::{IntoImageView, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageReader, Limits};
use ravif::{Encoder as Avif, Img};
use rgb::FromSlice;

use crate::sidecar::Focal;
use crate::{Format, MOST_PIXELS, Refused, Use, examine};

/// Quality of AVIF, 1 to 100.
const AVIF_QUALITY: f32 = 62.0;
/// How hard AVIF tries: 1 slow to 10 fast.
const AVIF_SPEED: u8 = 8;
/// Quality of WebP, 1 to 100.
const WEBP_QUALITY: f32 = 76.0;
/// Quality of JPEG, 1 to 100.
const JPEG_QUALITY: u8 = 80;

/// What is to be made of a picture.
#[derive(Debug, Clone, Copy)]
pub struct Making {
    /// What it is used for.
    pub purpose: &'static Use,
    /// The point that must stay visible.
    pub focal: Focal,
    /// Width to height of every size, when it is to be cropped.
    pub ratio: Option<(u32, u32)>,
}

/// One size in one format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// `avif`, `webp`, `jpg` or `png`.
    pub extension: &'static str,
    /// Media type.
    pub kind: &'static str,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Everything that was made of a picture.
#[derive(Debug, Clone)]
pub struct Made {
    /// Pixels from left to right, after turning.
    pub width: u32,
    /// Pixels from top to bottom, after turning.
    pub height: u32,
    /// The picture itself in its own size, upright and without the camera's notes, as JPEG or PNG.
    pub original: Variant,
    /// The sizes in every format, the narrowest first.
    pub variants: Vec<Variant>,
    /// Bytes of the widest AVIF, when they are over the budget of the use.
    pub over_budget: Option<u64>,
}

/// The picture in its own size, upright and without the camera's notes, as JPEG or PNG. Quick beside [`make`].
///
/// # Errors
/// [`Refused`]: of the header, of damaged pixels, of the encoder.
pub fn upright(bytes: &[u8]) -> Result<Variant, Refused> {
    if examine(bytes)?.format == Format::Svg {
        return Err(Refused::Unknown);
    }
    let whole = decode(bytes)?;
    let clear = whole.color().has_alpha() && transparent(&whole);
    plain(&whole, clear)
}

/// Makes every size of a picture. Takes some seconds of processor time and about ten bytes a pixel: call it where
/// that is meant to be.
///
/// # Errors
/// [`Refused`]: of the header, of damaged pixels, of an encoder.
pub fn make(bytes: &[u8], making: &Making) -> Result<Made, Refused> {
    let header = examine(bytes)?;
    if header.format == Format::Svg {
        return Err(Refused::Unknown);
    }
    let whole = decode(bytes)?;
    let clear = whole.color().has_alpha() && transparent(&whole);
    let whole = if clear {
        DynamicImage::ImageRgba8(whole.to_rgba8())
    } else {
        DynamicImage::ImageRgb8(whole.to_rgb8())
    };
    let picture = match making.ratio {
        Some(ratio) => crop(&whole, ratio, making.focal),
        None => whole.clone(),
    };
    let mut variants = Vec::new();
    let widest = picture.width();
    let mut widths: Vec<u32> =
        making.purpose.widths.iter().copied().filter(|width| *width < widest).collect();
    let largest = making.purpose.widths.last().copied().unwrap_or(widest);
    widths.push(largest.min(widest));
    widths.dedup();
    for width in widths {
        let sized = resized(&picture, width)?;
        variants.extend([avif(&sized, clear)?, webp(&sized, clear)?, plain(&sized, clear)?]);
    }
    let heaviest = variants.iter().filter(|v| v.extension == "avif").map(|v| v.bytes.len() as u64).max();
    Ok(Made {
        width: whole.width(),
        height: whole.height(),
        original: plain(&whole, clear)?,
        variants,
        over_budget: heaviest.filter(|bytes| *bytes > making.purpose.budget),
    })
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, Refused> {
    let damaged = |error: image::ImageError| Refused::Damaged(error.to_string());
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| Refused::Damaged(error.to_string()))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_PIXELS * 8);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Whether any pixel lets through what is behind it.
fn transparent(picture: &DynamicImage) -> bool {
    picture.to_rgba8().pixels().any(|pixel| pixel.0.last().is_some_and(|alpha| *alpha < 255))
}

/// The largest part of this ratio around the focal point.
fn crop(picture: &DynamicImage, (across, down): (u32, u32), focal: Focal) -> DynamicImage {
    let (width, height) = (u64::from(picture.width()), u64::from(picture.height()));
    let (across, down) = (u64::from(across.max(1)), u64::from(down.max(1)));
    let (w, h) = if width * down > height * across {
        ((height * across / down).max(1), height)
    } else {
        (width, (width * down / across).max(1))
    };
    let start = |whole: u64, part: u64, at: u16| {
        (whole * u64::from(at) / 1000).saturating_sub(part / 2).min(whole - part)
    };
    let (x, y) = (start(width, w, focal.x), start(height, h, focal.y));
    let side = |pixels: u64| u32::try_from(pixels).unwrap_or(u32::MAX);
    picture.crop_imm(side(x), side(y), side(w), side(h))
}

fn resized(picture: &DynamicImage, width: u32) -> Result<DynamicImage, Refused> {
    if width >= picture.width() {
        return Ok(picture.clone());
    }
    let wrong = |why: String| Refused::Encoding { format: "a smaller size", why };
    let height = u64::from(picture.height()) * u64::from(width) / u64::from(picture.width().max(1));
    let height = u32::try_from(height.max(1)).unwrap_or(u32::MAX);
    let kind = picture.pixel_type().ok_or_else(|| wrong("unknown pixels".to_owned()))?;
    let mut target = Image::new(width, height, kind);
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(fast_image_resize::FilterType::Lanczos3));
    Resizer::new().resize(picture, &mut target, &options).map_err(|e| wrong(e.to_string()))?;
    let bytes = target.into_vec();
    let made = if picture.color().has_alpha() {
        image::RgbaImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgba8)
    } else {
        image::RgbImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8)
    };
    made.ok_or_else(|| wrong("the size of the pixels is wrong".to_owned()))
}

fn avif(picture: &DynamicImage, clear: bool) -> Result<Variant, Refused> {
    let encoder = Avif::new().with_quality(AVIF_QUALITY).with_speed(AVIF_SPEED).with_num_threads(Some(1));
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let made = if clear {
        let pixels = picture.to_rgba8();
        encoder.encode_rgba(Img::new(pixels.as_raw().as_slice().as_rgba(), width, height))
    } else {
        let pixels = picture.to_rgb8();
        encoder.encode_rgb(Img::new(pixels.as_raw().as_slice().as_rgb(), width, height))
    };
    let made = made.map_err(|e| Refused::Encoding { format: "AVIF", why: e.to_string() })?;
    Ok(variant(picture, "avif", "image/avif", made.avif_file))
}

fn webp(picture: &DynamicImage, clear: bool) -> Result<Variant, Refused> {
    let (width, height) = (picture.width(), picture.height());
    let wrong = |why: String| Refused::Encoding { format: "WebP", why };
    let bytes = if clear {
        let pixels = picture.to_rgba8();
        webp::Encoder::from_rgba(&pixels, width, height).encode_simple(false, WEBP_QUALITY)
    } else {
        let pixels = picture.to_rgb8();
        webp::Encoder::from_rgb(&pixels, width, height).encode_simple(false, WEBP_QUALITY)
    };
    let bytes = bytes.map_err(|e| wrong(format!("{e:?}")))?.to_vec();
    Ok(variant(picture, "webp", "image/webp", bytes))
}

/// JPEG, or PNG where something shines through.
fn plain(picture: &DynamicImage, clear: bool) -> Result<Variant, Refused> {
    let mut bytes = Vec::new();
    let (width, height) = (picture.width(), picture.height());
    let wrong = |format| move |e: image::ImageError| Refused::Encoding { format, why: e.to_string() };
    if clear {
        let pixels = picture.to_rgba8();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        encoder.write_image(&pixels, width, height, image::ExtendedColorType::Rgba8).map_err(wrong("PNG"))?;
        return Ok(variant(picture, "png", "image/png", bytes));
    }
    let pixels = picture.to_rgb8();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    encoder.write_image(&pixels, width, height, image::ExtendedColorType::Rgb8).map_err(wrong("JPEG"))?;
    Ok(variant(picture, "jpg", "image/jpeg", bytes))
}

fn variant(picture: &DynamicImage, extension: &'static str, kind: &'static str, bytes: Vec<u8>) -> Variant {
    Variant { extension, kind, width: picture.width(), height: picture.height(), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture whose left half is red and right half blue, 400 × 200, as JPEG.
    fn jpeg() -> Vec<u8> {
        let pixel = |x: u32, _| if x < 200 { image::Rgb([220, 20, 20]) } else { image::Rgb([20, 20, 220]) };
        let mut bytes = Vec::new();
        let picture = image::RgbImage::from_fn(400, 200, pixel);
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90).encode_image(&picture).unwrap();
        bytes
    }

    /// The same with the camera's note that it lies on its side, and where it was taken.
    fn lying() -> Vec<u8> {
        let plain = jpeg();
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
        exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]);
        exif.extend(b"SECRET-PLACE");
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe1];
        bytes.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
        bytes.extend(exif);
        bytes.extend(&plain[2..]);
        bytes
    }

    fn making(name: &str, focal: Focal, ratio: Option<(u32, u32)>) -> Making {
        Making { purpose: Use::named(name).unwrap(), focal, ratio }
    }

    #[test]
    fn every_size_is_made_in_every_format() {
        let made = make(&jpeg(), &making("icon", Focal::default(), None)).unwrap();
        let told: Vec<_> = made.variants.iter().map(|v| (v.extension, v.width, v.height)).collect();
        let all = |width, height| [("avif", width, height), ("webp", width, height), ("jpg", width, height)];
        assert_eq!(told, [all(64, 32), all(128, 64), all(256, 128)].concat());
        assert_eq!((made.original.extension, made.original.width), ("jpg", 400));
        for variant in made.variants.iter().filter(|v| v.extension != "avif") {
            let header = examine(&variant.bytes).unwrap();
            assert_eq!((header.width, header.height), (variant.width, variant.height));
        }
        assert!(
            made.variants.iter().filter(|v| v.extension == "avif").all(|v| &v.bytes[4..12] == b"ftypavif")
        );
        // A small picture is never made larger.
        let made = make(&jpeg(), &making("hero", Focal::default(), None)).unwrap();
        assert_eq!(made.variants.iter().map(|v| v.width).max(), Some(400));
    }

    #[test]
    fn cameras_notes_are_obeyed_and_forgotten() {
        let made = make(&lying(), &making("icon", Focal::default(), None)).unwrap();
        assert_eq!((made.width, made.height), (200, 400), "it was turned");
        let all = made.variants.iter().chain([&made.original]);
        for variant in all {
            let holds = |needle: &[u8]| variant.bytes.windows(needle.len()).any(|part| part == needle);
            assert!(!holds(b"SECRET-PLACE") && !holds(b"Exif"), "{}", variant.extension);
        }
    }

    #[test]
    fn the_focal_point_stays_visible() {
        for (x, red) in [(0, true), (1000, false)] {
            let made = make(&jpeg(), &making("icon", Focal::new(x, 500), Some((1, 1)))).unwrap();
            let square = made.variants.iter().find(|v| v.extension == "jpg").unwrap();
            assert_eq!((square.width, square.height), (64, 64));
            let picture = image::load_from_memory(&square.bytes).unwrap().to_rgb8();
            let middle = picture.get_pixel(32, 32).0;
            assert_eq!(middle[0] > middle[2], red, "{middle:?}");
        }
    }

    #[test]
    fn what_shines_through_still_does() {
        let picture =
            image::RgbaImage::from_fn(80, 80, |x, _| image::Rgba([9, 9, 9, if x < 40 { 0 } else { 255 }]));
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        encoder.write_image(&picture, 80, 80, image::ExtendedColorType::Rgba8).unwrap();
        let made = make(&bytes, &making("icon", Focal::default(), None)).unwrap();
        let png = made.variants.iter().find(|v| v.extension == "png").unwrap();
        assert_eq!(image::load_from_memory(&png.bytes).unwrap().to_rgba8().get_pixel(0, 0).0[3], 0);
    }

    #[test]
    fn damaged_pictures_are_refused() {
        let whole = jpeg();
        for bytes in [&whole[..40], &b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x08\0\0\0\x08\x08\x06\0\0\0"[..]]
        {
            assert!(make(bytes, &making("icon", Focal::default(), None)).is_err());
        }
        assert_eq!(make(b"<svg/>", &making("icon", Focal::default(), None)).unwrap_err(), Refused::Unknown);
    }
}

//! The one place of lossy number casts: every function states which PHP rule its cast follows.

/// An integer as PHP's float: the nearest double.
#[expect(clippy::cast_precision_loss, reason = "PHP converts int to float with this very rounding")]
pub(crate) fn float(n: i64) -> f64 {
    n as f64
}

/// `(int) $float`: truncation, modulo 2^64 outside the range, 0 for NaN and infinities.
#[expect(clippy::cast_possible_truncation, reason = "truncation towards zero is PHP's rule")]
pub(crate) fn int(f: f64) -> i64 {
    if !f.is_finite() {
        return 0;
    }
    if fits(f) {
        return f as i64;
    }
    let two64 = 18_446_744_073_709_551_616.0_f64;
    let mut rest = f.trunc() % two64;
    if rest < 0.0 {
        rest += two64;
    }
    wrap(rest)
}

/// The integer of a float that a string spelled: PHP saturates there, as `strtol` does.
pub(crate) fn saturating_int(f: f64) -> i64 {
    if f.is_nan() || fits(f) {
        return int(f);
    }
    if f > 0.0 { i64::MAX } else { i64::MIN }
}

/// Whether a float lies in the range of an integer.
pub(crate) fn fits(f: f64) -> bool {
    (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a non-negative float below 2^64 wraps as two's complement"
)]
fn wrap(f: f64) -> i64 {
    f as u64 as i64
}

/// A length as an integer.
pub(crate) fn len(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A non-negative integer as an index; negative ones become 0.
pub(crate) fn index(n: i64) -> usize {
    usize::try_from(n.max(0)).unwrap_or(usize::MAX)
}

/// The low byte of an integer, as `%c` prints it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the low byte is wanted")]
pub(crate) fn low_byte(n: i64) -> u8 {
    n as u8
}

/// The bits of an integer as an unsigned number, as `%u`, `%x`, `%o` and `%b` print it.
#[expect(clippy::cast_sign_loss, reason = "the bit pattern is wanted")]
pub(crate) fn bits(n: i64) -> u64 {
    n as u64
}

/// Positions in sources and programs: saturating at `u32::MAX`.
pub(crate) fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A `u32` position as an index.
pub(crate) fn at(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// An integer power that tells overflow.
pub(crate) fn int_pow(base: i64, exp: i64) -> Option<i64> {
    match base {
        0 | 1 if exp > 0 => Some(base),
        -1 => Some(if exp % 2 == 0 { 1 } else { -1 }),
        _ => base.checked_pow(u32::try_from(exp).ok()?),
    }
}

/// A 128-bit number as an integer, saturating.
pub(crate) fn clamp(n: i128) -> i64 {
    i64::try_from(n).unwrap_or(if n < 0 { i64::MIN } else { i64::MAX })
}

/// An integer where the target wants 32 bits, saturating.
pub(crate) fn int32(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(if n < 0 { i32::MIN } else { i32::MAX })
}

//! The technical part of an auto.ru listing, packed in one text: `55 TFSI 3.0 AMT (340 л.с.) 4WD`.

use crate::catalogue::{Drive, Fuel, Gearbox};

/// What could be read; a part that was not recognised is `None`, never a guess.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Modification {
    /// Tenths of a litre: 16 is 1.6 l.
    pub engine_dl: Option<u16>,
    /// Horsepower.
    pub power_hp: Option<u16>,
    /// Gearbox.
    pub gearbox: Option<Gearbox>,
    /// Driven wheels.
    pub drive: Option<Drive>,
    /// Fuel.
    pub fuel: Option<Fuel>,
}

/// Reads a modification text, tolerant of order, case, spaces and Cyrillic look-alikes.
#[must_use]
pub fn parse(text: &str) -> Modification {
    let mut found = Modification::default();
    let (main, brackets) = split_brackets(text);
    for inside in &brackets {
        found.power_hp = found.power_hp.or_else(|| power(inside));
    }
    for word in main.split_whitespace() {
        let word = word.trim_matches([',', ';', '/']).to_uppercase().replace(',', ".");
        found.gearbox = found.gearbox.or_else(|| gearbox(&word));
        found.drive = found.drive.or_else(|| drive(&word));
        if let Some((engine, fuel)) = engine(&word) {
            found.engine_dl = Some(engine);
            found.fuel = fuel.or(found.fuel);
        }
        found.fuel = found.fuel.or_else(|| fuel_word(&word));
    }
    found.power_hp = found.power_hp.or_else(|| power(&main));
    // In this notation petrol and two driven wheels are what is not said, so they follow only from a text
    // that was understood otherwise.
    if found.fuel.is_none() && found.engine_dl.is_some() {
        found.fuel = Some(Fuel::Petrol);
    }
    if found.drive.is_none() && found.gearbox.is_some() {
        found.drive = Some(Drive::TwoWheel);
    }
    found
}

fn split_brackets(text: &str) -> (String, Vec<String>) {
    let mut main = String::with_capacity(text.len());
    let mut inside = Vec::new();
    for part in text.split('(') {
        match part.split_once(')') {
            Some((bracket, rest)) => {
                inside.push(bracket.to_owned());
                main.push(' ');
                main.push_str(rest);
            }
            None => main.push_str(part),
        }
    }
    (main, inside)
}

/// `340 л.с.`, `340 hp`, `160 кВт`.
fn power(text: &str) -> Option<u16> {
    let lower = text.to_lowercase();
    for (mark, is_kilowatts) in
        [("л.с", false), ("л. с", false), ("лс", false), ("hp", false), ("квт", true), ("kw", true)]
    {
        if let Some((before, _)) = lower.split_once(mark) {
            let digits: String = before
                .trim_end()
                .chars()
                .rev()
                .take_while(char::is_ascii_digit)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            let number: u32 = digits.parse().ok()?;
            // 1 kW = 1.35962 metric horsepower.
            let horses = if is_kilowatts { (number * 135_962 + 50_000) / 100_000 } else { number };
            return u16::try_from(horses).ok().filter(|hp| (5..=2500).contains(hp));
        }
    }
    None
}

fn gearbox(word: &str) -> Option<Gearbox> {
    match word {
        "MT" | "МТ" | "5MT" | "6MT" | "МКПП" => Some(Gearbox::Manual),
        "AT" | "АТ" | "6AT" | "8AT" | "9AT" | "АКПП" => Some(Gearbox::Automatic),
        "AMT" | "АМТ" | "DCT" | "DSG" | "РКПП" => Some(Gearbox::Robot),
        "CVT" | "ВАРИАТОР" => Some(Gearbox::Variator),
        _ => None,
    }
}

fn drive(word: &str) -> Option<Drive> {
    match word {
        "4WD" | "AWD" | "4X4" | "4Х4" | "4MATIC" | "QUATTRO" | "XDRIVE" | "4MOTION" => Some(Drive::All),
        "FWD" | "2WD-F" => Some(Drive::Front),
        "RWD" => Some(Drive::Rear),
        "2WD" | "4X2" | "4Х2" => Some(Drive::TwoWheel),
        _ => None,
    }
}

/// `1.6`, `3.0D`, `2.5HYB`, `1.4LPG`: a volume between 0.5 and 9.9 litres and what stands behind it.
fn engine(word: &str) -> Option<(u16, Option<Fuel>)> {
    let (litres, rest) = word.split_once('.')?;
    let tenth = rest.chars().next().filter(char::is_ascii_digit)?;
    let suffix = rest.get(1..)?;
    let litres: u16 = litres.parse().ok().filter(|l| *l < 10)?;
    let tenth = u16::try_from(tenth.to_digit(10)?).ok()?;
    let fuel = match suffix {
        "" | "T" | "TSI" | "I" | "TURBO" | "L" | "Л" => None,
        "D" | "TD" | "TDI" | "CRDI" | "HDI" | "DCI" => Some(Fuel::Diesel),
        "HYB" | "H" | "HEV" | "PHEV" | "DHYB" => Some(Fuel::Hybrid),
        "LPG" | "CNG" | "G" => Some(Fuel::Gas),
        _ => return None,
    };
    let volume = litres * 10 + tenth;
    (volume >= 5).then_some((volume, fuel))
}

fn fuel_word(word: &str) -> Option<Fuel> {
    match word {
        "ELECTRO" | "EV" | "ЭЛЕКТРО" => Some(Fuel::Electric),
        "HYB" | "HYBRID" | "HEV" | "PHEV" | "ГИБРИД" => Some(Fuel::Hybrid),
        "TDI" | "CRDI" | "ДИЗЕЛЬ" => Some(Fuel::Diesel),
        "LPG" | "CNG" | "ГАЗ" => Some(Fuel::Gas),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(
        engine: Option<u16>,
        power: Option<u16>,
        gearbox: Option<Gearbox>,
        drive: Option<Drive>,
        fuel: Option<Fuel>,
    ) -> Modification {
        Modification { engine_dl: engine, power_hp: power, gearbox, drive, fuel }
    }

    #[test]
    fn reads_what_live_feeds_hold() {
        use Drive::{All, Front, TwoWheel};
        use Fuel::{Diesel, Electric, Gas, Hybrid, Petrol};
        use Gearbox::{Automatic, Manual, Robot, Variator};
        let cases = [
            (
                "55 TFSI 3.0 AMT (340 л.с.) 4WD",
                row(Some(30), Some(340), Some(Robot), Some(All), Some(Petrol)),
            ),
            (
                "30d 3.0d AT (249 л.с.) 4WD",
                row(Some(30), Some(249), Some(Automatic), Some(All), Some(Diesel)),
            ),
            ("2.5hyb CVT (232 л.с.)", row(Some(25), Some(232), Some(Variator), Some(TwoWheel), Some(Hybrid))),
            ("Electro AT (218 л.с.)", row(None, Some(218), Some(Automatic), Some(TwoWheel), Some(Electric))),
            ("Electro AT (160 кВт) 4WD", row(None, Some(218), Some(Automatic), Some(All), Some(Electric))),
            ("1.6 MT (90 л.с.)", row(Some(16), Some(90), Some(Manual), Some(TwoWheel), Some(Petrol))),
            ("1,6 мкпп 106 л.с.", row(Some(16), Some(106), Some(Manual), Some(TwoWheel), Some(Petrol))),
            ("1.4LPG MT FWD (75 hp)", row(Some(14), Some(75), Some(Manual), Some(Front), Some(Gas))),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_stays_unknown() {
        for text in ["", "Комплектация Люкс", "55 TFSI", "12.34", "0.1 (0 л.с.)", "((((", "9.9.9", ")("]
        {
            assert_eq!(parse(text), Modification::default(), "{text}");
        }
    }
}

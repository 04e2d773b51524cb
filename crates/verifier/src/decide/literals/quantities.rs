//! Numbers, units and times, whatever they are written like.

/// A number with what it counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quantity {
    pub(super) value: f64,
    /// Its digits as they are written: of versions, 1.1 and 1.10 are two.
    digits: String,
    pub(super) unit: Option<Unit>,
}

/// What a number is of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unit {
    /// By its symbol, of which the letters' case counts: mW, MW.
    Known(String),
    /// In letters of a case that no symbol has, in small letters: "16 gb" are gigabytes or gigabits.
    Vague(String),
}

impl Quantity {
    /// A number in words, or one that something else is made of.
    pub(super) fn of(value: f64) -> Quantity {
        Quantity { value, digits: value.to_string(), unit: None }
    }

    pub(super) fn times(&mut self, factor: f64) {
        self.value *= factor;
        self.digits = self.value.to_string();
    }

    /// Whether both are as many of the same, as far as both say of what.
    pub(super) fn is_same(&self, other: &Quantity) -> bool {
        let has_unit = self.unit.is_some() || other.unit.is_some();
        self.value == other.value && (has_unit || self.digits == other.digits) && self.units_agree(other)
    }

    pub(super) fn units_agree(&self, other: &Quantity) -> bool {
        match (&self.unit, &other.unit) {
            (Some(own), Some(other)) => own.may_be(other),
            _ => true,
        }
    }

    /// Whether nothing but the case of its letters tells one's unit from the other's, so that it may be a slip.
    pub(super) fn units_look_alike(&self, other: &Quantity) -> bool {
        match (&self.unit, &other.unit) {
            (Some(Unit::Known(own)), Some(Unit::Known(other))) => own.eq_ignore_ascii_case(other),
            _ => false,
        }
    }

    /// Whether it looks like the number of a year.
    pub(super) fn is_year(&self) -> bool {
        self.unit.is_none() && self.digits.len() == 4 && (1000.0..2200.0).contains(&self.value)
    }
}

impl Quantity {
    /// A year after a hyphen: "Gate -2018".
    pub(super) fn is_negative_year(&self) -> bool {
        self.digits.len() == 5 && (1000.0..2200.0).contains(&-self.value)
    }

    /// Minutes since midnight or noon, if it is the hour of a clock: 9, 9.30.
    pub(super) fn minutes(&self) -> Option<u16> {
        let (hours, minutes) = self.digits.split_once('.').unwrap_or((&self.digits, "00"));
        clock(&format!("{hours}:{minutes}")).filter(|minutes| (60..13 * 60).contains(minutes))
    }
}

impl Unit {
    fn may_be(&self, other: &Unit) -> bool {
        let pound = |unit: &str| matches!(unit, "lb" | "GBP");
        match (self, other) {
            // Pounds are of weight or of money.
            (Unit::Known(own), Unit::Known(other)) => {
                own == other || (own == "pound" && pound(other)) || (other == "pound" && pound(own))
            }
            (Unit::Known(known), Unit::Vague(vague)) | (Unit::Vague(vague), Unit::Known(known)) => {
                known.to_lowercase() == *vague
            }
            (Unit::Vague(own), Unit::Vague(other)) => own == other,
        }
    }
}

/// The unit that a word or a sign names.
pub(super) fn unit(word: &str) -> Option<Unit> {
    let lower = word.to_lowercase();
    let known = |symbol: &str| Some(Unit::Known(symbol.to_owned()));
    let singular = lower.strip_suffix('s').filter(|one| one.len() > 2).unwrap_or(&lower);
    if let Some((symbol, _)) =
        NAMES.iter().find(|(_, names)| names.contains(&lower.as_str()) || names.contains(&singular))
    {
        return known(symbol);
    }
    let base_name = BASE_NAMES.iter().find(|(name, _)| *name == singular).map(|(_, base)| ("", *base));
    if let Some((prefix, base)) = base_name.or_else(|| prefixed(singular, &PREFIX_NAMES, &BASE_NAMES)) {
        return Some(Unit::Known(format!("{prefix}{base}")));
    }
    // Micro has two signs that look the same, and "mc" in medicine.
    let symbol = word.replace(['\u{b5}', '\u{3bc}'], "u").replace("mcg", "ug");
    let vague = symbol.to_lowercase();
    match (symbol.as_str(), VAGUE.contains(&vague.as_str())) {
        ("L", _) => known("l"),
        (symbol, _) if BASES.contains(&symbol) => known(symbol),
        (symbol, true) => match prefixed(symbol, &PREFIXES, &BASE_SYMBOLS) {
            // Whoever writes these means bytes or bits, and milliliters.
            Some(("k", "b") | ("m", "b" | "bps") | ("M", "l")) | None => Some(Unit::Vague(vague)),
            Some((prefix, base)) => Some(Unit::Known(format!("{prefix}{base}"))),
        },
        (_, false) if BASES.iter().any(|base| base.to_lowercase() == vague) => Some(Unit::Vague(vague)),
        _ => None,
    }
}

/// The currency that a sign or a short name names, such as stands before a number.
pub(super) fn currency(word: &str) -> Option<Unit> {
    let is_sign = !word.contains(char::is_alphanumeric) && !word.contains(['%', '\u{b0}']);
    let is_name = ["USD", "US$", "EUR", "GBP", "JPY", "INR", "CNY", "CHF"].contains(&word.to_uppercase().as_str());
    if is_sign || is_name { unit(word) } else { None }
}

/// Whether the symbol would be of another unit in letters of another case, so that it tells something without a number.
pub(super) fn is_cased_unit(word: &str) -> bool {
    let lower = word.to_lowercase();
    ["mw", "mwh", "kb", "mb", "gb", "tb"].contains(&lower.as_str()) && matches!(unit(word), Some(Unit::Known(_)))
}

fn prefixed<'a>(word: &str, prefixes: &[(&str, &'a str)], bases: &[(&str, &'a str)]) -> Option<(&'a str, &'a str)> {
    let base = |word: &str| bases.iter().find(|(base, _)| *base == word).map(|(_, symbol)| *symbol);
    let of = |(prefix, symbol): &(&str, &'a str)| Some((*symbol, base(word.strip_prefix(prefix)?)?));
    prefixes.iter().find_map(of)
}

const PREFIX_NAMES: [(&str, &str); 9] = [
    ("nano", "n"),
    ("micro", "u"),
    ("milli", "m"),
    ("centi", "c"),
    ("deci", "d"),
    ("kilo", "k"),
    ("mega", "M"),
    ("giga", "G"),
    ("tera", "T"),
];

const BASE_NAMES: [(&str, &str); 16] = [
    ("gram", "g"),
    ("gramme", "g"),
    ("meter", "m"),
    ("metre", "m"),
    ("liter", "l"),
    ("litre", "l"),
    ("watt", "W"),
    ("volt", "V"),
    ("hertz", "Hz"),
    ("byte", "B"),
    ("bit", "b"),
    ("second", "s"),
    ("joule", "J"),
    ("pascal", "Pa"),
    ("ampere", "A"),
    ("calorie", "cal"),
];

const PREFIXES: [(&str, &str); 9] =
    [("n", "n"), ("u", "u"), ("m", "m"), ("c", "c"), ("k", "k"), ("K", "k"), ("M", "M"), ("G", "G"), ("T", "T")];

const BASE_SYMBOLS: [(&str, &str); 13] = [
    ("g", "g"),
    ("m", "m"),
    ("l", "l"),
    ("L", "l"),
    ("W", "W"),
    ("Wh", "Wh"),
    ("V", "V"),
    ("Hz", "Hz"),
    ("B", "B"),
    ("b", "b"),
    ("s", "s"),
    ("Pa", "Pa"),
    ("bps", "bps"),
];

/// Symbols without a prefix.
const BASES: [&str; 8] = ["g", "m", "l", "s", "W", "V", "Hz", "Pa"];

/// Symbols with a prefix in small letters: in letters of another case, they may be another unit.
const VAGUE: [&str; 36] = [
    "ng", "ug", "mg", "kg", "nm", "um", "mm", "cm", "km", "ml", "cl", "mw", "kw", "gw", "tw", "mwh", "kwh", "gwh",
    "mv", "kv", "khz", "mhz", "ghz", "thz", "kb", "mb", "gb", "tb", "ms", "ns", "kpa", "mpa", "gpa", "kbps", "mbps",
    "gbps",
];

/// Units by their names, and signs of units.
const NAMES: &[(&str, &[&str])] = &[
    ("%", &["%", "percent", "percentage", "pct"]),
    ("\u{b0}C", &["\u{b0}c", "celsius", "centigrade"]),
    ("\u{b0}F", &["\u{b0}f", "fahrenheit"]),
    ("kelvin", &["kelvin"]),
    ("\u{b0}", &["\u{b0}", "degree", "degrees"]),
    ("USD", &["$", "us$", "usd", "dollar", "buck"]),
    ("EUR", &["\u{20ac}", "eur", "euro"]),
    ("GBP", &["\u{a3}", "gbp", "sterling", "quid"]),
    ("JPY", &["\u{a5}", "jpy", "yen"]),
    ("INR", &["\u{20b9}", "inr", "rupee"]),
    ("CNY", &["cny", "yuan", "rmb", "renminbi"]),
    ("CHF", &["chf", "franc"]),
    ("KRW", &["\u{20a9}", "krw"]),
    ("BTC", &["\u{20bf}", "btc", "bitcoin"]),
    ("cent", &["\u{a2}", "cent"]),
    ("pound", &["pound"]),
    ("lb", &["lb", "lbs"]),
    ("oz", &["oz", "ounce"]),
    ("ton", &["ton", "tonne"]),
    ("kg", &["kilo"]),
    ("inch", &["inch", "inches"]),
    ("ft", &["ft", "foot", "feet"]),
    ("yd", &["yd", "yard"]),
    ("mile", &["mi", "mile"]),
    ("km", &["kms"]),
    ("kg", &["kgs"]),
    ("mph", &["mph"]),
    ("acre", &["acre"]),
    ("hectare", &["hectare"]),
    ("gallon", &["gal", "gallon"]),
    ("quart", &["qt", "quart"]),
    ("pint", &["pint"]),
    ("cup", &["cup"]),
    ("tablespoon", &["tbsp", "tablespoon"]),
    ("teaspoon", &["tsp", "teaspoon"]),
    ("second", &["sec", "secs", "second"]),
    ("minute", &["min", "mins", "minute"]),
    ("hour", &["hr", "hrs", "hour"]),
    ("day", &["day"]),
    ("week", &["wk", "week"]),
    ("month", &["month"]),
    ("year", &["yr", "yrs", "year"]),
    ("decade", &["decade"]),
    ("century", &["century", "centuries"]),
];

/// What a word multiplies the number before it by.
pub(super) fn magnitude(word: &str) -> Option<f64> {
    Some(match word {
        "hundred" => 1e2,
        "thousand" | "k" => 1e3,
        "lakh" | "lac" => 1e5,
        "million" | "mn" | "mio" => 1e6,
        "crore" => 1e7,
        "billion" | "bn" => 1e9,
        "trillion" | "tn" => 1e12,
        _ => return None,
    })
}

/// A number in digits from the beginning of `text`, and what stands after it: "1,500 m" is 1500 and " m". None where digits are
/// no number: the groups of an address, a number with zeros before it, one with more digits than are exact.
pub(super) fn leading(text: &str) -> Option<(Quantity, &str)> {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let end = unsigned.find(|c| !is_part(c)).unwrap_or(unsigned.len());
    let digits = unsigned[..end].trim_end_matches(['.', ',']);
    let rest = &unsigned[digits.len()..];
    let digits = plain(digits)?;
    let (mut value, mut written) = (digits.parse::<f64>().ok()?, digits);
    let mut rest = rest;
    // 1e3, 1e-3.
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let signed = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        let end = signed.find(|c: char| !c.is_ascii_digit()).unwrap_or(signed.len());
        let exponent = &exponent[..exponent.len() - signed.len() + end];
        if let (true, Ok(power)) = (end > 0, exponent.parse::<i32>()) {
            value *= 10f64.powi(power);
            written = value.to_string();
            rest = &signed[end..];
        }
    }
    if is_negative {
        (value, written) = (-value, format!("-{written}"));
    }
    Some((Quantity { value, digits: written, unit: None }, rest))
}

/// Digits without commas between thousands and without a fraction of nothing.
fn plain(digits: &str) -> Option<String> {
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, fraction)) if fraction.is_empty() || fraction.contains(['.', ',']) => return None,
        Some((whole, fraction)) => (whole, fraction),
        None => (digits, ""),
    };
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let is_grouped = whole.contains(',');
    let has_zeros = first.len() > 1 && first.starts_with('0');
    if has_zeros || (is_grouped && (first.is_empty() || first.len() > 3 || groups.any(|group| group.len() != 3))) {
        return None;
    }
    let whole = whole.replace(',', "");
    if whole.len() + fraction.len() > 15 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { &whole };
    Some(match fraction.bytes().all(|digit| digit == b'0') {
        true => whole.to_owned(),
        false => format!("{whole}.{fraction}"),
    })
}

/// Minutes since midnight of "10:30"; none of a ratio, or of two ports.
pub(super) fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let is_time = (1..=2).contains(&hours.len()) && minutes.len() == 2;
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if !is_time || !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// The time of day of minutes since midnight or noon: "12 pm" is noon.
pub(super) fn half_day(minutes: u16, meridiem: &str) -> Option<u16> {
    if !(60..13 * 60).contains(&minutes) {
        return None;
    }
    match meridiem {
        "am" => Some(minutes % 720),
        "pm" => Some(minutes % 720 + 720),
        _ => None,
    }
}

/// Year, month from 0 on, and day of "2024-03-04".
pub(super) fn date(text: &str) -> Option<(u16, usize, u8)> {
    let [year, month, day] = text.split('-').collect::<Vec<_>>()[..] else { return None };
    let is_date = year.len() == 4 && month.len() == 2 && day.len() == 2;
    let (year, month, day) = (year.parse().ok()?, month.parse::<usize>().ok()?, day.parse().ok()?);
    (is_date && (1..=12).contains(&month) && (1..=31).contains(&day)).then_some((year, month - 1, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Option<Quantity> {
        let (mut quantity, rest) = leading(text)?;
        let rest = rest.trim();
        quantity.unit = unit(rest);
        (rest.is_empty() || quantity.unit.is_some()).then_some(quantity)
    }

    #[test]
    fn a_quantity_is_the_same_however_it_is_written() {
        for (one, other, is_same) in [
            ("1500", "1,500", true),
            ("1500", "1.500", false),
            ("2.0", "2", true),
            ("1.1", "1.10", false),
            ("1.5 kg", "1.50 kg", true),
            ("1e3", "1000", true),
            ("1e3", "1e-3", false),
            ("-4", "4", false),
            ("+4", "4", true),
            ("5 mg", "5 milligrams", true),
            ("5 mg", "5mg", true),
            ("5 mg", "5 ug", false),
            ("5 \u{b5}g", "5 mcg", true),
            ("5 mg", "5 Mg", false),
            ("5 mg", "5 MG", true),
            ("5 MW", "5 mW", false),
            ("5 MW", "5 megawatts", true),
            ("5 mw", "5 MW", true),
            ("16 GB", "16 Gb", false),
            ("16 gb", "16 GB", true),
            ("3 KG", "3 kg", true),
            ("9 ft", "9 feet", true),
            ("9 feet", "9 meters", false),
            ("20 %", "20 percent", true),
            ("7 pounds", "7 lbs", true),
            ("7", "7 days", true),
            ("8 days", "7 days", false),
        ] {
            let (one, other) = (quantity(one).unwrap(), quantity(other).unwrap());
            assert_eq!(one.is_same(&other), is_same, "{one:?} {other:?}");
            assert_eq!(other.is_same(&one), is_same, "{one:?} {other:?}");
        }
    }

    #[test]
    fn digits_that_are_no_number_are_none() {
        for text in ["10.0.0.1", "007", "1,50", "12,34,56", "12345678901234567890", "x", "-", ""] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }

    #[test]
    fn times_and_dates_are_told_from_ratios_and_numbers() {
        let times = ["9:05", "23:59", "24:00", "8080:80", "3:2", "9:65", "9.05"].map(clock);
        assert_eq!(times, [Some(545), Some(1439), Some(1440), None, None, None, None]);
        let cases = [(540, "am"), (540, "pm"), (720, "pm"), (720, "am"), (800, "pm"), (0, "am"), (540, "of")];
        assert_eq!(
            cases.map(|(minutes, meridiem)| half_day(minutes, meridiem)),
            [Some(540), Some(1260), Some(720), Some(0), None, None, None]
        );
        assert_eq!(date("2021-11-05"), Some((2021, 10, 5)));
        assert_eq!(["2021-13-05", "11-05-2021", "555-0101", "2021-1-5"].map(date), [None; 4]);
    }
}

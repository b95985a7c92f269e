//! Text made plain: what is invisible goes, and letters that look Latin are.

pub(super) fn plain(text: &str) -> String {
    let mut quoted = false;
    text.chars()
        .map(|c| {
            // What is quoted is meant letter by letter.
            quoted ^= matches!(c, '`' | '"');
            if quoted { c } else { latin(c) }
        })
        .filter_map(|c| match c {
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}' => None,
            '\u{2018}' | '\u{2019}' | '\u{201b}' => Some('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' => Some('"'),
            '\u{2010}' | '\u{2011}' => Some('-'),
            '\u{2012}'..='\u{2015}' => Some(','),
            '≥' => Some('≥'),
            c if c.is_control() => Some(' '),
            c => Some(c),
        })
        .collect()
}

/// The Latin letter that a letter of another script looks like.
fn latin(c: char) -> char {
    match c {
        'а' | 'α' => 'a',
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'с' | 'ϲ' => 'c',
        'С' => 'C',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'Е' | 'Ε' => 'E',
        'Н' | 'Η' => 'H',
        'һ' => 'h',
        'і' | 'ι' => 'i',
        'І' | 'Ι' => 'I',
        'ј' => 'j',
        'К' | 'Κ' => 'K',
        'к' | 'κ' => 'k',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'о' | 'ο' => 'o',
        'О' | 'Ο' => 'O',
        'р' | 'ρ' => 'p',
        'Р' | 'Ρ' => 'P',
        'ѕ' => 's',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'ν' => 'v',
        'ԝ' => 'w',
        'х' | 'χ' => 'x',
        'Х' | 'Χ' => 'X',
        'у' | 'γ' => 'y',
        'У' | 'Υ' => 'Y',
        'Ζ' => 'Z',
        '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        c => c,
    }
}

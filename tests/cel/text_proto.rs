//! Protocol buffers as text, as far as the conformance tests use it.

use std::{iter::Peekable, str::Chars};

/// The fields of a message, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message(pub(crate) Vec<(String, Field)>);

/// The value of a field.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    /// A number or the name of a value.
    Word(String),
    Text(Vec<u8>),
    Message(Message),
}

impl Message {
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, field)| field)
    }

    pub(crate) fn message<'a>(&'a self, name: &'a str) -> Option<&'a Self> {
        self.all(name).find_map(|field| match field {
            Field::Message(message) => Some(message),
            _ => None,
        })
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.all(name).find_map(|field| match field {
            Field::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        })
    }
}

/// Reads a message.
///
/// # Panics
///
/// On text that is none: the cases are fixed.
pub(crate) fn parse(text: &str) -> Message {
    let mut reader = Reader(text.chars().peekable());
    reader.message()
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    fn message(&mut self) -> Message {
        let mut message = Message::default();
        loop {
            self.blank();
            match self.0.peek() {
                None => return message,
                Some('}' | '>') => {
                    self.0.next();
                    return message;
                }
                Some(',' | ';') => drop(self.0.next()),
                Some(_) => self.field(&mut message),
            }
        }
    }

    fn field(&mut self, message: &mut Message) {
        let name = if self.takes('[') { self.until(']') } else { self.word() };
        self.blank();
        self.takes(':');
        self.blank();
        if !self.takes('[') {
            let field = self.value();
            message.0.push((name, field));
            return;
        }
        loop {
            self.blank();
            if self.takes(']') {
                return;
            }
            if !self.takes(',') {
                let field = self.value();
                message.0.push((name.clone(), field));
            }
        }
    }

    fn value(&mut self) -> Field {
        match self.0.peek() {
            Some('{' | '<') => {
                self.0.next();
                Field::Message(self.message())
            }
            Some('"' | '\'') => Field::Text(self.texts()),
            _ => Field::Word(self.word()),
        }
    }

    /// Reads texts that stand side by side as one.
    fn texts(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        while let Some(quote @ ('"' | '\'')) = self.0.peek().copied() {
            self.0.next();
            while !self.takes(quote) {
                match self.0.next() {
                    Some('\\') => self.escape(&mut text),
                    Some(letter) => text.extend(letter.to_string().bytes()),
                    None => panic!("a text ends"),
                }
            }
            self.blank();
        }
        text
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        match self.0.next() {
            Some('n') => text.push(b'\n'),
            Some('r') => text.push(b'\r'),
            Some('t') => text.push(b'\t'),
            Some('a') => text.push(0x07),
            Some('b') => text.push(0x08),
            Some('f') => text.push(0x0C),
            Some('v') => text.push(0x0B),
            Some('x' | 'X') => {
                let byte = self.digits("", 2, 16);
                text.push(u8::try_from(byte).unwrap());
            }
            Some('u') => self.letter(4, text),
            Some('U') => self.letter(8, text),
            Some(digit @ '0'..='7') => {
                let byte = self.digits(&digit.to_string(), 3, 8);
                text.push(u8::try_from(byte).unwrap());
            }
            Some(letter) => text.extend(letter.to_string().bytes()),
            None => panic!("an escape ends"),
        }
    }

    fn letter(&mut self, length: usize, text: &mut Vec<u8>) {
        let letter = char::from_u32(self.digits("", length, 16)).unwrap();
        text.extend(letter.to_string().bytes());
    }

    fn digits(&mut self, first: &str, most: usize, radix: u32) -> u32 {
        let mut digits = first.to_owned();
        while digits.len() < most && self.0.peek().is_some_and(|it| it.is_digit(radix)) {
            digits.extend(self.0.next());
        }
        u32::from_str_radix(&digits, radix).unwrap()
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(letter) =
            self.0.next_if(|it| it.is_ascii_alphanumeric() || "_+-.".contains(*it))
        {
            word.push(letter);
        }
        assert!(!word.is_empty(), "a word before {:?}", self.0.peek());
        word
    }

    fn until(&mut self, end: char) -> String {
        let mut text = String::new();
        while let Some(letter) = self.0.next_if(|it| *it != end) {
            text.push(letter);
        }
        self.takes(end);
        text
    }

    fn takes(&mut self, letter: char) -> bool {
        self.0.next_if_eq(&letter).is_some()
    }

    fn blank(&mut self) {
        loop {
            while self.0.next_if(|it| it.is_whitespace()).is_some() {}
            if self.0.peek() != Some(&'#') {
                return;
            }
            while self.0.next_if(|it| *it != '\n').is_some() {}
        }
    }
}

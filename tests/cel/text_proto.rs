//! A parser for the subset of the protocol buffer text format that the conformance tests use.

use std::{iter::Peekable, str::Chars};

use anyhow::{Context, Result, ensure};

/// The fields of a message, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message(pub(crate) Vec<(String, Field)>);

/// The value of a field.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    /// A number, a boolean or the name of an enum value.
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

/// Parses a message.
pub(crate) fn parse(text: &str) -> Result<Message> {
    let mut reader = Reader(text.chars().peekable());
    reader.message()
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    fn message(&mut self) -> Result<Message> {
        let mut message = Message::default();
        loop {
            self.blank();
            match self.0.peek() {
                None => return Ok(message),
                Some('}' | '>') => {
                    self.0.next();
                    return Ok(message);
                }
                Some(',' | ';') => drop(self.0.next()),
                Some(_) => self.field(&mut message)?,
            }
        }
    }

    fn field(&mut self, message: &mut Message) -> Result<()> {
        let name = if self.takes('[') { self.until(']') } else { self.word()? };
        self.blank();
        self.takes(':');
        self.blank();
        if !self.takes('[') {
            let field = self.value()?;
            message.0.push((name, field));
            return Ok(());
        }
        loop {
            self.blank();
            if self.takes(']') {
                return Ok(());
            }
            if !self.takes(',') {
                let field = self.value()?;
                message.0.push((name.clone(), field));
            }
        }
    }

    fn value(&mut self) -> Result<Field> {
        Ok(match self.0.peek() {
            Some('{' | '<') => {
                self.0.next();
                Field::Message(self.message()?)
            }
            Some('"' | '\'') => Field::Text(self.texts()?),
            _ => Field::Word(self.word()?),
        })
    }

    /// Parses adjacent string literals as one string.
    fn texts(&mut self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        while let Some(quote @ ('"' | '\'')) = self.0.peek().copied() {
            self.0.next();
            while !self.takes(quote) {
                match self.0.next().context("unterminated string")? {
                    '\\' => self.escape(&mut text)?,
                    letter => text.extend(letter.to_string().bytes()),
                }
            }
            self.blank();
        }
        Ok(text)
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<()> {
        match self.0.next().context("unterminated escape sequence")? {
            'n' => text.push(b'\n'),
            'r' => text.push(b'\r'),
            't' => text.push(b'\t'),
            'a' => text.push(0x07),
            'b' => text.push(0x08),
            'f' => text.push(0x0C),
            'v' => text.push(0x0B),
            'x' | 'X' => {
                let byte = self.digits("", 2, 16)?;
                text.push(u8::try_from(byte)?);
            }
            'u' => self.letter(4, text)?,
            'U' => self.letter(8, text)?,
            digit @ '0'..='7' => {
                let byte = self.digits(&digit.to_string(), 3, 8)?;
                text.push(u8::try_from(byte)?);
            }
            letter => text.extend(letter.to_string().bytes()),
        }
        Ok(())
    }

    fn letter(&mut self, length: usize, text: &mut Vec<u8>) -> Result<()> {
        let letter =
            char::from_u32(self.digits("", length, 16)?).context("not a Unicode scalar value")?;
        text.extend(letter.to_string().bytes());
        Ok(())
    }

    fn digits(&mut self, first: &str, most: usize, radix: u32) -> Result<u32> {
        let mut digits = first.to_owned();
        while digits.len() < most && self.0.peek().is_some_and(|digit| digit.is_digit(radix)) {
            digits.extend(self.0.next());
        }
        Ok(u32::from_str_radix(&digits, radix)?)
    }

    fn word(&mut self) -> Result<String> {
        let mut word = String::new();
        while let Some(letter) =
            self.0.next_if(|letter| letter.is_ascii_alphanumeric() || "_+-.".contains(*letter))
        {
            word.push(letter);
        }
        ensure!(!word.is_empty(), "expected a word, got {:?}", self.0.peek());
        Ok(word)
    }

    fn until(&mut self, end: char) -> String {
        let mut text = String::new();
        while let Some(letter) = self.0.next_if(|letter| *letter != end) {
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
            while self.0.next_if(|letter| letter.is_whitespace()).is_some() {}
            if self.0.peek() != Some(&'#') {
                return;
            }
            while self.0.next_if(|letter| *letter != '\n').is_some() {}
        }
    }
}

//! Text between tags: as a slice of the input as long as nothing in it has to be decoded.

use std::ops::Range;

use crate::body::from_html::tokens::reference::{Place, push_decoded, reference};
use crate::body::from_html::tokens::{Sink, Tokenizer};

impl<S: Sink> Tokenizer<'_, '_, S> {
    /// Takes a piece of the input as text.
    pub(super) fn push_run(&mut self, run: Range<usize>) {
        if run.is_empty() {
            return;
        }
        if self.decoded.is_empty() && self.run.is_empty() {
            self.run = run;
        } else if self.decoded.is_empty() && self.run.end == run.start {
            self.run.end = run.end;
        } else {
            self.start_decoding();
            self.decoded.push_str(self.html.get(run).unwrap_or_default());
        }
    }

    /// Reads what begins with `&`: a reference, or just that.
    pub(super) fn push_reference(&mut self) {
        match reference(self.rest(), Place::Text) {
            // By itself, so that it begins no shortcode.
            Some((n_bytes, characters @ [Some('['), _])) => {
                self.flush();
                self.decoded.extend(characters.into_iter().flatten());
                self.flush();
                self.step(n_bytes);
            }
            Some((n_bytes, characters)) => {
                self.start_decoding();
                self.decoded.extend(characters.into_iter().flatten());
                self.step(n_bytes);
            }
            None => {
                self.push_run(self.at..self.at.saturating_add(1));
                self.step(1);
            }
        }
    }

    /// Reads a carriage return, which is a line end if none follows.
    pub(super) fn push_line_end(&mut self) {
        if self.peek_at(1) != Some(b'\n') {
            self.start_decoding();
            self.decoded.push('\n');
        }
        self.step(1);
    }

    /// Takes raw text, in which only references count, if those do.
    pub(super) fn push_raw(&mut self, run: Range<usize>, has_references: bool) {
        let text = self.html.get(run.clone()).unwrap_or_default();
        if text.bytes().any(|byte| matches!(byte, b'\r' | 0) || (has_references && byte == b'&')) {
            self.start_decoding();
            push_decoded(&mut self.decoded, text, if has_references { Place::Text } else { Place::Raw });
        } else {
            self.push_run(run);
        }
    }

    fn start_decoding(&mut self) {
        let run = std::mem::take(&mut self.run);
        self.decoded.push_str(self.html.get(run).unwrap_or_default());
    }

    /// Hands on the text that was collected.
    pub(super) fn flush(&mut self) {
        if !self.decoded.is_empty() {
            self.sink.text(&self.decoded);
            self.decoded.clear();
        } else if !self.run.is_empty() {
            self.sink.text(self.html.get(self.run.clone()).unwrap_or_default());
        }
        self.run = 0..0;
    }
}

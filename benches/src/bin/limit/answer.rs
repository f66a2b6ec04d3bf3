//! An answer of the Messages API, put together from its events: what the limit needs of it and no more.

use std::borrow::Cow;

use serde::Deserialize;

use crate::Result;

/// One event's data.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Frame<'a> {
    ContentBlockStart {
        #[serde(borrow)]
        content_block: Block<'a>,
    },
    ContentBlockDelta {
        #[serde(borrow)]
        delta: Delta<'a>,
    },
    ContentBlockStop {},
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(crate) struct Block<'a> {
    #[serde(default, borrow)]
    id: Cow<'a, str>,
    #[serde(default, borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(crate) struct Delta<'a> {
    #[serde(default, borrow)]
    text: Cow<'a, str>,
    #[serde(default, borrow)]
    partial_json: Cow<'a, str>,
}

/// A tool call; its input as JSON text.
#[derive(Default)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) input: String,
}

/// An answer: its content as JSON text, its prose, its calls.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) content: String,
    pub(crate) text: String,
    pub(crate) calls: Vec<Call>,
    open: Call,
}

impl Answer {
    pub(crate) fn take(&mut self, frame: Frame<'_>) -> Result<()> {
        match frame {
            Frame::ContentBlockStart { content_block: Block { id, name } } => {
                self.open = Call { id: id.into_owned(), name: name.into_owned(), input: String::new() };
            }
            Frame::ContentBlockDelta { delta } => {
                self.open.input.push_str(&delta.partial_json);
                self.text.push_str(&delta.text);
            }
            Frame::ContentBlockStop {} => self.close_block()?,
            Frame::Other => {}
        }
        Ok(())
    }

    fn close_block(&mut self) -> Result<()> {
        let mut call = std::mem::take(&mut self.open);
        if !self.content.is_empty() {
            self.content.push(',');
        }
        if call.name.is_empty() {
            let text = serde_json::to_string(&self.text)?;
            self.content.push_str(&format!(r#"{{"type":"text","text":{text}}}"#));
            return Ok(());
        }
        if call.input.is_empty() {
            call.input.push_str("{}");
        }
        let Call { id, name, input } = &call;
        self.content
            .push_str(&format!(r#"{{"type":"tool_use","id":"{id}","name":"{name}","input":{input}}}"#));
        self.calls.push(call);
        Ok(())
    }
}

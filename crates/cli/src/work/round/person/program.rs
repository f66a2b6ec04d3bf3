//! A program in the person's place: lines of JSON in, commands out. It is told of what it names wrongly and goes on.

use std::io;

use super::{Act, Refused, WhyRefused};
use crate::commands::{OrderLine, Orders};

/// A program.
#[derive(Debug)]
pub(in super::super) struct Program {
    orders: Orders,
}

impl Program {
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self { orders: Orders::start()? })
    }

    pub(super) async fn next(&mut self) -> Option<OrderLine> {
        self.orders.next().await
    }

    /// What follows from a line; none: no more will come.
    pub(super) fn hear(line: Option<OrderLine>) -> Vec<Act> {
        vec![match line {
            None => Act::Leave,
            Some(OrderLine { number, order: Ok(order) }) => {
                Act::Carry { line: number, command: order.into() }
            }
            Some(OrderLine { number, order: Err(bad) }) => {
                Act::Refuse(Refused { line: number, why: WhyRefused::Bad(bad) })
            }
        }]
    }
}

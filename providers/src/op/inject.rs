//! A batch by `op inject`: one run where all is well.
//!
//! `op` stops at the first bad reference and names it. The references that it means get their
//! answer, and the rest is asked again, so that one report has every bad one. Where it can't be
//! told which it means, halves are asked until it can; what holds for all of them (the sign-in,
//! the limits) is never asked twice.

use std::time::Duration;

use super::{
    Reference,
    command::{Said, Talk},
    frame::Frame,
    message::{self, Outcome, Verdict},
};
use crate::{Absence, Class, Fault, Secret};

/// What became of each reference, in order.
pub(super) type Answers = Vec<Result<Result<Secret, Absence>, Fault>>;

/// So many halves are asked for, and no more: every run costs requests of a limited number.
const MOST_HALVES: usize = 24;
/// How often a failed network is tried again, and how long after.
const TRIES: u32 = 2;
const PAUSE: Duration = Duration::from_millis(500);

/// Answers references, none of which stands twice.
pub(super) fn fetch(talk: &mut Talk<'_>, references: &[Reference]) -> Answers {
    let mut batch = Batch {
        references,
        answers: references.iter().map(|_| None).collect(),
        open: vec![(0..references.len()).collect()],
        halves: 0,
        tries: 0,
    };
    while let Some(group) = batch.open.pop() {
        batch.ask(talk, group);
    }
    let unasked = || {
        Err(Fault::new(
            Class::TimedOut,
            "`op` was not asked for it in time",
        ))
    };
    let answers = batch.answers.into_iter();
    answers
        .map(|answer| answer.unwrap_or_else(unasked))
        .collect()
}

struct Batch<'a> {
    references: &'a [Reference],
    answers: Vec<Option<Result<Result<Secret, Absence>, Fault>>>,
    /// Groups of references that are not answered, the next one last.
    open: Vec<Vec<usize>>,
    halves: usize,
    tries: u32,
}

impl Batch<'_> {
    fn ask(&mut self, talk: &mut Talk<'_>, group: Vec<usize>) {
        let wanted: Vec<&Reference> = group.iter().map(|at| &self.references[*at]).collect();
        let values = match injected(talk, &wanted) {
            Ok(values) => values,
            Err(verdict) => return self.judge(talk, verdict, group),
        };
        for (at, value) in group.into_iter().zip(values) {
            self.answers[at] = Some(Ok(Ok(value)));
        }
    }

    fn judge(&mut self, talk: &mut Talk<'_>, verdict: Verdict, group: Vec<usize>) {
        match verdict {
            Verdict::Some(named, outcome) => {
                let is_meant = |at: &usize| self.references[*at].is(&named);
                let (meant, rest): (Vec<usize>, Vec<usize>) =
                    group.iter().partition(|at| is_meant(at));
                if meant.is_empty() {
                    return self.halve(group, &outcome);
                }
                for at in meant {
                    self.answers[at] = Some(outcome.clone().map(Err));
                }
                self.open.extend(Some(rest).filter(|rest| !rest.is_empty()));
            }
            Verdict::Unknown(fault) => self.halve(group, &Err(fault)),
            Verdict::SignedOut(_) if talk.try_sessions() => self.open.push(group),
            Verdict::Network(_)
                if self.tries < TRIES && talk.pause(PAUSE * 2_u32.pow(self.tries)) =>
            {
                self.tries += 1;
                self.open.push(group);
            }
            Verdict::Every(fault) | Verdict::SignedOut(fault) | Verdict::Network(fault) => {
                let rest = std::mem::take(&mut self.open).into_iter().flatten();
                for at in group.into_iter().chain(rest) {
                    self.answers[at] = Some(Err(fault.clone()));
                }
            }
        }
    }

    /// Asks for both halves; a single one is what was meant.
    fn halve(&mut self, mut group: Vec<usize>, outcome: &Outcome) {
        if group.len() == 1 || self.halves >= MOST_HALVES {
            for at in group {
                self.answers[at] = Some(outcome.clone().map(Err));
            }
            return;
        }
        self.halves += 2;
        let second = group.split_off(group.len() / 2);
        self.open.extend([second, group]);
    }
}

fn injected(talk: &Talk<'_>, references: &[&Reference]) -> Result<Vec<Secret>, Verdict> {
    let frame = Frame::new().map_err(Verdict::Every)?;
    let template = frame.template(references);
    // A run that failed as a whole is not repeated for each.
    match talk
        .run(&["inject"], template.as_bytes())
        .map_err(Verdict::Every)?
    {
        Said::Complaint(text) => Err(message::verdict(&text)),
        Said::Output(output) => frame.values(&output, references.len()).ok_or_else(|| {
            let fault = Fault::new(
                Class::Malformed,
                "what `op inject` printed is not what it was asked for",
            );
            Verdict::Every(fault.hinted("endow needs version 2 of `op`: `op --version`"))
        }),
    }
}

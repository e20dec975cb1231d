//! One service in one region, as one caller: what a request needs besides its own words.

use super::{Arn, Asked, Ready, Service, Session};
use crate::{Address, Class, Fault, Limits, Request};

/// One region of a service.
pub(crate) struct Place<'a> {
    /// The sign-in.
    pub(crate) session: &'a Session,
    /// What it gave.
    pub(crate) ready: &'a Ready,
    /// Until when.
    pub(crate) limits: &'a Limits,
    /// Where.
    pub(crate) region: String,
    /// The endpoint, where it is not AWS's own.
    pub(crate) endpoint: Option<String>,
    /// Of which service.
    service: &'static str,
}

impl<'a> Place<'a> {
    /// The region of an address: that of its ARN, else the session's.
    pub(crate) fn of<S: Service>(
        session: &'a Session,
        ready: &'a Ready,
        address: &Address,
        limits: &'a Limits,
    ) -> Result<Self, Fault> {
        let named = Arn::of(&address.locator).map(|arn| arn.region.to_owned());
        let region = named
            .or_else(|| ready.region.clone())
            .ok_or_else(|| session.no_region(S::NAME))?;
        let stated = session.settings.endpoint.clone();
        Ok(Self {
            session,
            ready,
            limits,
            region,
            service: S::NAME,
            endpoint: stated.or_else(|| session.endpoint(S::ENDPOINT)),
        })
    }

    /// What is asked for, for the texts of faults.
    pub(crate) fn asked<'s>(&'s self, action: &'s str, what: &'s str) -> Asked<'s> {
        Asked {
            service: self.service,
            region: &self.region,
            action,
            what,
            source: &self.ready.source,
            endpoint: self.endpoint.as_deref(),
            proxies: &self.session.settings.proxies,
        }
    }

    /// Refuses what belongs to another account than the one that is set.
    pub(crate) fn check_account(&self, arn: &str) -> Result<(), Fault> {
        self.session.check_account(arn)
    }

    /// What the ARN of a reference rules out before anything is asked.
    pub(crate) fn check_before(&self, id: &str) -> Result<(), Fault> {
        match Arn::of(id) {
            Some(_) => self.check_account(id),
            None => Ok(()),
        }
    }

    /// ` in eu-west-1`, where an id does not say it itself.
    pub(crate) fn suffix(&self, id: &str) -> String {
        match Arn::of(id) {
            Some(_) => String::new(),
            None => format!(" in {}", self.region),
        }
    }
}

/// The region where to sign in, if none is set.
pub(super) fn first_region(batch: &[Address]) -> Option<&str> {
    let arn = batch.iter().find_map(|address| Arn::of(&address.locator))?;
    Some(arn.region)
}

/// One fault for all that a request was to answer.
pub(super) fn same<T>(request: &Request, fault: &Fault) -> Vec<(usize, Result<T, Fault>)> {
    let answers = request.answers.iter();
    answers.map(|index| (*index, Err(fault.clone()))).collect()
}

/// What the requests answered, in the order of the batch.
pub(super) fn in_order<T>(
    length: usize,
    answers: Vec<Vec<(usize, Result<T, Fault>)>>,
) -> Vec<Result<T, Fault>> {
    let mut slots: Vec<Option<Result<T, Fault>>> = (0..length).map(|_| None).collect();
    for (index, answer) in answers.into_iter().flatten() {
        slots[index] = Some(answer);
    }
    let unanswered = || {
        Err(Fault::new(
            Class::Malformed,
            "AWS left it out of its answer",
        ))
    };
    let answers = slots.into_iter();
    answers
        .map(|slot| slot.unwrap_or_else(unanswered))
        .collect()
}

//! From flags to a plan: what all commands that read a manifest begin with.

mod advice;

use std::{ffi::OsString, path::PathBuf, rc::Rc, time::Duration};

use endow_providers::{Helpers, Warning, time::from_now};

pub use self::advice::{advised, unseen};
use crate::{
    cli::{FILE_VARIABLE, Global, PROFILE_VARIABLE, STATE_VARIABLE},
    environment::inherit,
    error::Error,
    manifest::{
        self, Choice, Files, Manifest, Opened,
        diagnostic::Problems,
        find::{self, Found},
        source::Source,
        trust::{self, ProfileGrants, Project, Record, Records},
    },
    plan::{self, Plan, Selection, UnknownNames},
    resolve::{Failure, Inputs, Keeper, Resolved, Subject, resolve, resolve_and_keep},
    stage, sys,
    ui::{Progress, Ui},
};

/// The deadline where nobody says one.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long an approval may take that a person is asked for.
const APPROVAL: Duration = Duration::from_mins(2);

/// What the process was started with.
#[derive(Debug)]
pub struct Context {
    /// The environment, in its order.
    pub environment: Vec<(OsString, OsString)>,
    /// Options of all commands.
    pub global: Global,
    /// How to print.
    pub ui: Ui,
}

/// A manifest for one profile, and where it was found.
#[derive(Debug)]
pub struct Session<'c> {
    /// What the process was started with.
    pub context: &'c Context,
    /// The file.
    pub found: Found,
    /// What it says.
    pub manifest: Manifest,
    /// The names of all profiles.
    pub profiles: Vec<String>,
    /// The variables that tell an endow that the command starts what was chosen here.
    pub chosen: Vec<(OsString, OsString)>,
    files: Files,
    opened: Problems,
    stranger: Option<(String, &'static str)>,
}

impl Context {
    /// A variable of the environment; the first of doubled ones counts.
    pub fn variable(&self, name: &str) -> Option<&OsString> {
        self.environment
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }

    /// Where it is recorded what the caller trusts.
    pub fn records(&self) -> Option<Records> {
        let state = self.variable(STATE_VARIABLE).map(OsString::as_os_str);
        Records::of(find::home(&self.environment).as_deref(), state)
    }

    /// A variable that says something, so that set but empty is an error.
    fn stated(&self, name: &str) -> Result<Option<&OsString>, Error> {
        match self.variable(name) {
            Some(value) if value.is_empty() => Err(Error::Usage {
                message: format!("{name} is set but empty"),
                hints: vec![format!("unset it, or say what it names: `unset {name}`")],
            }),
            value => Ok(value),
        }
    }

    /// Finds the manifest.
    pub fn find(&self) -> Result<Found, Error> {
        let variable = self.stated(FILE_VARIABLE)?.map(PathBuf::from);
        let named = self.global.file.clone().or(variable);
        if named
            .as_ref()
            .is_some_and(|path| path.as_os_str().is_empty())
        {
            return Err(Error::usage("--file names no file"));
        }
        if let Some(path) = named.as_ref().filter(|path| path.is_absolute()) {
            return find::find(Some(path), path, None).map_err(Error::ManifestNotFound);
        }
        let directory = std::env::current_dir().map_err(|error| Error::Usage {
            message: format!(
                "the working directory can't be used: {}",
                manifest::reason(&error)
            ),
            hints: vec!["change to a directory that exists".to_owned()],
        })?;
        let home = find::home(&self.environment);
        let found = find::find(named.as_deref(), &directory, home.as_deref());
        let mut found = found.map_err(Error::ManifestNotFound)?;
        // A relative name in a shell's start-up file would be consent to every clone.
        found.is_named &= self.global.file.is_some();
        Ok(found)
    }

    /// Reads the manifest for the profile that the flags and the environment choose.
    pub fn open(&self) -> Result<Session<'_>, Error> {
        let found = self.find()?;
        if let Some(path) = &found.passed_over {
            self.ui.warnings(&[Warning {
                message: format!(
                    "{} is not read: {} is farther, and has the name that is searched for",
                    path.display(),
                    found.display
                ),
                hint: Some(
                    "rename the nearer one to secretfile.yaml, or name it with --file".to_owned(),
                ),
            }]);
        }
        let stated = self.stated(PROFILE_VARIABLE)?;
        let chosen = self.chosen(&found);
        let mut session = match &self.global.profile {
            Some(name) => self.open_as(found, Choice::Named(name, "--profile")),
            None => match stated.map(|name| name.to_string_lossy()) {
                Some(name) => self.open_as(found, Choice::Named(&name, PROFILE_VARIABLE)),
                None => self.open_as(found, Choice::Default),
            },
        }?;
        session.chosen = chosen;
        Ok(session)
    }

    /// What flags and variables choose, as the variables that choose it again.
    fn chosen(&self, found: &Found) -> Vec<(OsString, OsString)> {
        let flag = self.global.profile.as_ref().map(OsString::from);
        let profile = flag.or_else(|| self.variable(PROFILE_VARIABLE).cloned());
        let is_named = self.global.file.is_some() || self.variable(FILE_VARIABLE).is_some();
        let file = is_named.then(|| found.path.clone().into_os_string());
        let profile = profile.map(|value| (PROFILE_VARIABLE.into(), value));
        let file = file.map(|value| (FILE_VARIABLE.into(), value));
        file.into_iter().chain(profile).collect()
    }

    /// Reads a manifest for one profile.
    pub fn open_as(&self, found: Found, choice: Choice<'_>) -> Result<Session<'_>, Error> {
        stage::reached("manifest");
        let home = find::home(&self.environment);
        let Opened {
            manifest,
            problems,
            files,
            owners,
            profiles,
        } = manifest::open(&found, choice, home).map_err(Error::ManifestUnreadable)?;
        let stranger = (!found.is_named)
            .then(|| trust::stranger(&owners, sys::process::effective_user()))
            .flatten();
        let stranger = stranger.map(|(owner, reason)| (owner.display.clone(), reason));
        stage::reached("profile");
        tracing::info!(manifest = %found.display, profile = manifest.profile.as_deref().unwrap_or("(none)"), variables = manifest.variables.len(), "read");
        Ok(Session {
            context: self,
            found,
            manifest,
            profiles,
            chosen: Vec::new(),
            files,
            opened: problems,
            stranger,
        })
    }
}

impl Session<'_> {
    /// Plans a selection, or says everything that is wrong with the manifest.
    pub fn plan(&mut self, words: &Only<'_>) -> Result<Plan<'_>, Error> {
        let mut problems = std::mem::take(&mut self.opened);
        let selection = match words {
            Only::Words(words) => Selection::only(words, &self.manifest),
            Only::One(name) => Selection::one(name, &self.manifest),
            Only::Everything => Ok(Selection::Everything),
        };
        let fallback = Selection::Everything;
        let plan = plan::plan(
            &self.manifest,
            selection.as_ref().unwrap_or(&fallback),
            &mut problems,
        );
        if !problems.is_empty() {
            return Err(Error::Manifest {
                problems: problems.into_sorted(),
                sources: Rc::clone(&self.manifest.sources),
            });
        }
        selection.map_err(|UnknownNames { message, hint }| Error::Usage {
            message,
            hints: hint.into_iter().collect(),
        })?;
        stage::reached("plan");
        Ok(plan)
    }

    /// Refuses a manifest that was found by search and asks for more than its caller trusted.
    pub fn require_trust(&self) -> Result<(), Error> {
        self.refuse_stranger()?;
        if self.found.is_named {
            return Ok(());
        }
        let consent = self.consent();
        let lines = self.grants(&consent);
        let missing = lines.into_iter().filter(|line| !line.is_trusted);
        let lines: Vec<String> = missing.map(|line| line.text()).collect();
        if lines.is_empty() {
            return Ok(());
        }
        Err(Error::Untrusted {
            file: self.found.display.clone(),
            is_known: consent.record.is_some(),
            lines,
        })
    }

    /// Everything that needs trust, a line each: of the chosen profile what is trusted too.
    pub fn grants(&self, consent: &Consent) -> Vec<GrantLine> {
        let chosen = self.manifest.profile.as_deref().unwrap_or_default();
        let mut lines = Vec::new();
        for (profile, missing) in consent.grants.iter().zip(&consent.missing) {
            for grant in profile.grants.iter().filter(|grant| !grant.is_free) {
                let is_trusted = self.found.is_named || !missing.grants.contains(grant);
                if !is_trusted || profile.profile == chosen {
                    lines.push(GrantLine {
                        profile: profile.profile.clone(),
                        what: grant.line(),
                        place: self.manifest.sources.cite(grant.span),
                        is_trusted,
                    });
                }
            }
        }
        lines
    }

    /// What must be trusted, and what of it is.
    pub fn consent(&self) -> Consent {
        let home = self.manifest.home.as_deref();
        let project = Project::of(&self.found.path, home);
        let credentials = inherit::credentials(&self.manifest);
        let credentials = credentials
            .into_iter()
            .map(|(pattern, _)| pattern)
            .collect();
        let lookup = |name: &str| {
            let value = self.context.variable(name)?;
            value.to_str().map(str::to_owned)
        };
        let grants = |manifest| trust::grants(&manifest, &project, &lookup, &credentials);
        let grants: Vec<ProfileGrants> = self.files.manifests().map(grants).collect();
        let is_needed = |profile: &ProfileGrants| profile.grants.iter().any(|grant| !grant.is_free);
        let records = self
            .context
            .records()
            .filter(|_| grants.iter().any(is_needed));
        let record = records.and_then(|records| records.find(&project));
        let missing = Record::missing(record.as_ref(), &grants);
        Consent {
            project,
            grants,
            record,
            missing,
        }
    }

    /// Refuses a manifest that was found by search and that a stranger can write.
    pub fn refuse_stranger(&self) -> Result<(), Error> {
        match &self.stranger {
            Some((file, reason)) => Err(Error::Stranger {
                file: file.clone(),
                reason,
            }),
            None => Ok(()),
        }
    }
}

/// What a manifest does that must be trusted, and what its caller has trusted.
#[derive(Debug)]
pub struct Consent {
    /// Where the manifest belongs.
    pub project: Project,
    /// All that it does, by profile.
    pub grants: Vec<ProfileGrants>,
    /// What was recorded, if anything was.
    pub record: Option<Record>,
    /// What needs trust and has none, for each of these profiles.
    pub missing: Vec<ProfileGrants>,
}

impl Consent {
    /// Whether nothing needs trust that has none.
    pub fn is_whole(&self) -> bool {
        self.missing.iter().all(|profile| profile.grants.is_empty())
    }
}

/// One thing that needs trust, as it is printed.
#[derive(Clone, Debug)]
pub struct GrantLine {
    /// The profile; empty where the manifest has none.
    pub profile: String,
    /// What is done.
    pub what: String,
    /// `file:line`.
    pub place: String,
    /// Whether it is trusted.
    pub is_trusted: bool,
}

impl GrantLine {
    /// All of it on one line.
    pub fn text(&self) -> String {
        let profile = match &*self.profile {
            "" => String::new(),
            profile => format!("{profile}: "),
        };
        format!("{profile}{} ({})", self.what, self.place)
    }
}

/// Which variables a command wants.
#[derive(Clone, Copy, Debug)]
pub enum Only<'a> {
    /// The exported ones, or those that `--only` names.
    Words(&'a [String]),
    /// One, exported or not.
    One(&'a str),
    /// All of them.
    Everything,
}

/// Resolves a plan within the deadline that the flag or the manifest says.
pub fn resolve_all(
    context: &Context,
    plan: &Plan<'_>,
    timeout: Option<Duration>,
    uses_values: bool,
) -> Resolved {
    let inputs = inputs(context, plan, timeout, uses_values);
    leave_project(&inputs.helpers);
    let _progress = progress(context, plan, &inputs);
    resolve(plan, inputs)
}

fn inputs<'c>(
    context: &'c Context,
    plan: &Plan<'_>,
    timeout: Option<Duration>,
    uses_values: bool,
) -> Inputs<'c> {
    let stated = plan.manifest.run.timeout.as_ref();
    let timeout = timeout.or(stated.map(|timeout| timeout.value));
    Inputs {
        environment: &context.environment,
        home: plan.manifest.home.clone(),
        timeout: timeout.unwrap_or(TIMEOUT),
        approval: sys::terminal::is_own().then_some(APPROVAL),
        helpers: helpers(context, plan),
        uses_values,
        is_input_closed: sys::startup::closed_descriptors().any(|descriptor| descriptor == 0),
    }
}

/// The line while backends take long.
fn progress(context: &Context, plan: &Plan<'_>, inputs: &Inputs<'_>) -> Progress {
    let waiting = || {
        let schemes: Vec<&str> = plan.backends.iter().map(|asked| asked.scheme).collect();
        format!("waiting for {}", schemes.join(", "))
    };
    // What is on this machine is there, or it is not.
    let tries_again = plan.backends.iter().any(|asked| asked.kind.is_secret_store);
    Progress::start(context.ui, waiting, tries_again, from_now(inputs.timeout))
}

/// A library that starts a program by itself, as the SDK of AWS starts a `credential_process`, looks
/// it up as helpers are looked up.
fn leave_project(helpers: &Helpers) {
    let path = helpers.base.iter().find(|(name, _)| name == "PATH");
    if let Some((_, path)) = path.filter(|_| !helpers.passed_over.is_empty()) {
        sys::process::set_search_path(path);
    }
}

/// What backends need to run programs.
fn helpers(context: &Context, plan: &Plan<'_>) -> Helpers {
    let directories = plan.manifest.sources.iter().map(Source::directory);
    let home = plan.manifest.home.as_deref();
    let credentials = inherit::credentials(plan.manifest);
    let mut helpers = Helpers {
        groups: &sys::signal::HELPERS,
        base: inherit::base_set(&context.environment, &credentials),
        credentials,
        project: directories
            .flat_map(|directory| find::project(directory, home))
            .collect(),
        passed_over: Vec::new(),
    };
    helpers.leave_project();
    helpers
}

/// The same, where one failure fails all; `consequence` is what does not happen then.
pub fn values(
    context: &Context,
    plan: &Plan<'_>,
    timeout: Option<Duration>,
    consequence: &'static str,
) -> Result<Resolved, Error> {
    refuse_missing_backends(plan)?;
    complete(plan, resolve_all(context, plan, timeout, true), consequence)
}

/// The same for a command that is started with them: with what is to be kept while it runs, and
/// where it is watched, how often.
pub fn kept_values<'c, 'm>(
    context: &'c Context,
    plan: &'c Plan<'m>,
    timeout: Option<Duration>,
    watch: Option<Duration>,
) -> Result<(Resolved, Option<Keeper<'c, 'm>>), Error> {
    refuse_missing_backends(plan)?;
    let inputs = inputs(context, plan, timeout, true);
    leave_project(&inputs.helpers);
    let progress = progress(context, plan, &inputs);
    let (resolved, keeper) = resolve_and_keep(plan, inputs, watch);
    drop(progress);
    let resolved = complete(plan, resolved, "the command was not started")?;
    Ok((resolved, keeper))
}

fn complete(
    plan: &Plan<'_>,
    resolved: Resolved,
    consequence: &'static str,
) -> Result<Resolved, Error> {
    let unlocked = sys::arena::VALUES.unlocked();
    if unlocked > 0 {
        // Said to who asks: in most containers nothing can be done about it.
        tracing::info!("{unlocked} bytes of the memory of values are not locked (RLIMIT_MEMLOCK)");
    }
    if resolved.failures.is_empty() {
        return Ok(resolved);
    }
    let cited = |failure: Failure| {
        let failure = advised(plan, failure);
        let place = place_of(plan, &failure);
        (failure, place)
    };
    Err(Error::Resolve {
        failures: resolved.failures.into_iter().map(cited).collect(),
        warnings: resolved.warnings,
        total: plan.selected().count(),
        consequence,
    })
}

/// A backend that this version does not have fails before any other is asked.
fn refuse_missing_backends(plan: &Plan<'_>) -> Result<(), Error> {
    // One that stands later in a list may never be asked.
    let is_missing = |backend: &usize| {
        plan.backends[*backend].kind.open.is_none() && !plan.requests(*backend).is_empty()
    };
    let wants: Vec<String> = (0..plan.backends.len())
        .filter(is_missing)
        .map(|backend| format!("values from `{}`", plan.backends[backend].scheme))
        .collect();
    refuse(wants)
}

/// Refuses variables that are wanted as files, which this version can't do.
pub fn refuse_files(plan: &Plan<'_>) -> Result<(), Error> {
    refuse(plan.files())
}

fn refuse(wants: Vec<String>) -> Result<(), Error> {
    if wants.is_empty() {
        Ok(())
    } else {
        Err(Error::Unsupported { wants })
    }
}

/// The line that decided on a place that failed.
pub fn place_of(plan: &Plan<'_>, failure: &Failure) -> Option<String> {
    let span = match &failure.subject {
        Subject::Variable(name) => plan.variables.get(name.as_str())?.decided,
        Subject::Setting { backend, name } => {
            let mut settings = plan.settings.iter();
            let setting =
                settings.find(|setting| setting.owner == *backend && setting.setting == *name)?;
            setting.place.span
        }
    };
    Some(plan.manifest.sources.cite(span))
}

//! The `prag` command line.
//!
//! Layer: client, above everything else of it.
//! Holds: commands, and the one place where an error becomes text and an exit code.
//! Never: a secret on the terminal; a colour where nobody looks.
//! Invariant: exit code 0 means that all that was asked for is done, 1 that something was refused or
//! failed, 2 that the command line makes no sense.

mod add;
mod args;
mod attend;
mod claims;
mod collections;
mod doctor;
mod documents;
pub(crate) mod evidence;
mod grants;
mod keys;
mod market;
mod money;
mod place;
mod policy;
mod prices;
mod reader;
mod receipt;
mod rotate;
mod screen;
mod seal;
mod search;
mod snapshot;
mod subscribe;
mod unlock;
mod usage;

use crate::attester::Attester;
use crate::channel::Channel;
use crate::error::ClientError;
use crate::home::Home;
use crate::identity::{Identity, ShareStore};
use crate::remembered::Remembered;
use crate::sdk::Client;
use crate::system::{OsEntropy, SystemClock};
use crate::trusted::Trusted;
use args::{
    Arguments, CollectionCommand, Command, DocumentsCommand, EvidenceCommand, KeysCommand,
    LedgerCommand, PolicyCommand, ReceiptCommand, ShowPolicy, SnapshotCommand,
};
use clap::Parser;
use screen::Screen;
use std::process::ExitCode;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a command needs of this machine.
struct Setting {
    url: String,
    identity: String,
    home: Home,
    passphrase: Option<Zeroizing<String>>,
    screen: Screen,
}

/// Whether all that was asked for is done; `false` where some of it was refused.
type Done = Result<bool, ClientError>;

/// Reads the command line, runs the command and says how it went.
///
/// `trusted` decides which evidence is believed.
#[must_use]
pub fn main_with(trusted: Trusted) -> ExitCode {
    main_as(trusted, None)
}

/// As [`main_with`], for a program that can attest itself: with `attester` where `prag reader` names no other.
#[must_use]
pub fn main_as(trusted: Trusted, attester: Option<Box<dyn Attester>>) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let screen = Screen::new(arguments.json);
    if let Some(warning) = trusted.warning {
        screen.warn(warning);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments, trusted, attester, screen)),
        Err(source) => Err(ClientError::File { what: "starting threads", source }),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            screen.fail(&error);
            let usage = matches!(error.kind(), "usage");
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

async fn run(
    arguments: Arguments,
    trusted: Trusted,
    attester: Option<Box<dyn Attester>>,
    screen: Screen,
) -> Done {
    let passphrase = std::env::var("PRAG_PASSPHRASE").ok().filter(|text| !text.is_empty());
    let setting = Setting {
        url: arguments.url,
        identity: arguments.identity,
        home: Home::from_env()?,
        passphrase: passphrase.map(Zeroizing::new),
        screen,
    };
    match arguments.command {
        Command::Keys(KeysCommand::New) => keys::new(&setting),
        Command::Keys(KeysCommand::Show) => keys::show(&setting),
        Command::Seal(options) => seal::seal(&setting, &options),
        Command::Evidence(EvidenceCommand::Verify(options)) if options.worker.is_none() => {
            evidence::verify(&setting, &options)
        }
        Command::Receipt(ReceiptCommand::Verify(options)) => {
            receipt::verify(&setting, trusted, &options)
        }
        Command::Receipt(ReceiptCommand::Show(options)) => receipt::show(&setting, &options),
        Command::Policy(PolicyCommand::Set(options)) => policy::set(&setting, &options),
        Command::Policy(PolicyCommand::Show(ShowPolicy { collection: None })) => {
            policy::show(&setting)
        }
        Command::Reader(options) => reader::reader(setting, trusted, attester, &options).await,
        Command::Attest(options) => doctor::attest(setting, trusted, &options).await,
        Command::Doctor => doctor::doctor(setting, trusted).await,
        Command::Ledger(LedgerCommand::Usage(of)) => usage::usage(&setting, trusted, &of).await,
        Command::Snapshot(SnapshotCommand::Verify(options)) if options.folder.is_some() => {
            snapshot::offline(&setting, &options)
        }
        Command::Place(options) => place::place(&setting, trusted, &options).await,
        Command::Unlock(options) => unlock::unlock(&setting, trusted, &options).await,
        command => {
            let client = setting.connect(trusted).await?;
            with_client(&client, setting.screen, command).await
        }
    }
}

async fn with_client(client: &Client, screen: Screen, command: Command) -> Done {
    match command {
        Command::Collection(command) => match command {
            CollectionCommand::Create(options) => {
                collections::create(client, screen, options).await
            }
            CollectionCommand::List => collections::list(client, screen).await,
            CollectionCommand::Show(which) => collections::show(client, screen, &which).await,
            CollectionCommand::Destroy(which) => collections::destroy(client, screen, &which).await,
        },
        Command::Release(which) => collections::release(client, screen, &which).await,
        Command::Rotate(options) => rotate::rotate(client, screen, &options).await,
        Command::Snapshot(command) => snapshot::run(client, screen, command).await,
        Command::Compact(which) => rotate::compact(client, screen, &which).await,
        Command::Confirm(head) => collections::confirm(client, screen, &head).await,
        Command::Models => collections::models(client, screen).await,
        Command::Add(options) => add::add(client, screen, &options).await,
        Command::Query(options) => search::query(client, screen, &options).await,
        Command::Context(options) => search::context(client, screen, &options).await,
        Command::Documents(DocumentsCommand::List(which)) => {
            documents::list(client, screen, &which).await
        }
        Command::Documents(DocumentsCommand::Show(which)) => {
            documents::show(client, screen, &which).await
        }
        Command::Documents(DocumentsCommand::Delete(which)) => {
            documents::delete(client, screen, &which).await
        }
        Command::Grant(options) => grants::grant(client, screen, &options).await,
        Command::Policy(PolicyCommand::Collection(options)) => {
            policy::set_collection(client, screen, &options).await
        }
        Command::Policy(PolicyCommand::Show(ShowPolicy { collection: Some(collection) })) => {
            policy::show_collection(client, screen, &collection).await
        }
        Command::Grants(which) => grants::list(client, screen, &which).await,
        Command::Revoke(options) => grants::revoke(client, screen, &options).await,
        Command::Price(options) => prices::price(client, screen, &options).await,
        Command::Buy(which) => prices::buy(client, screen, &which).await,
        Command::Ledger(command) => market::run(client, screen, command).await,
        Command::Subscribe(command) => subscribe::run(client, screen, command).await,
        Command::Worker(command) => attend::run(client, screen, command).await,
        Command::Evidence(EvidenceCommand::Verify(options)) => {
            evidence::kept(client, screen, &options).await
        }
        Command::Keys(_)
        | Command::Seal(_)
        | Command::Receipt(_)
        | Command::Policy(PolicyCommand::Set(_) | PolicyCommand::Show(_))
        | Command::Reader(_)
        | Command::Attest(_)
        | Command::Place(_)
        | Command::Unlock(_)
        | Command::Doctor => Err(ClientError::Usage("this command needs no worker".to_owned())),
    }
}

impl Setting {
    fn passphrase(&self) -> Option<&str> {
        self.passphrase.as_ref().map(|text| text.as_str())
    }

    fn load_identity(&self) -> Result<Identity, ClientError> {
        Identity::load(&self.home, &self.identity, self.passphrase())
    }

    fn shares(&self) -> ShareStore {
        ShareStore::new(&self.home, self.passphrase())
    }

    async fn channel(&self, mut trusted: Trusted) -> Result<Channel, ClientError> {
        trusted.follow(&self.home)?;
        self.reach(&self.url, Arc::new(trusted)).await
    }

    async fn reach(&self, url: &str, trusted: Arc<Trusted>) -> Result<Channel, ClientError> {
        let remembered = Remembered::new(&self.home);
        let clock = Box::new(SystemClock::default());
        Channel::connect(url, trusted, remembered, clock, Box::new(OsEntropy)).await
    }

    /// The identity is read before anything is sent, so that its absence costs no round trip.
    async fn connect(&self, trusted: Trusted) -> Result<Client, ClientError> {
        let identity = self.load_identity()?;
        let channel = self.channel(trusted).await?;
        Ok(Client::new(channel, identity, self.shares()))
    }
}

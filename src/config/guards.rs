//! The settings that guard against misuse.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::ConfigError;
use super::settings::Reader;
use crate::jobs::Receiver;
use crate::types::Role;
use crate::vault::guard::GuardSettings;

/// Where alerts are sent, and the file of the secret that signs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSettings {
    /// Where to.
    pub receiver: Receiver,
    /// The file of the secret.
    pub key_file: PathBuf,
}

const PER_HOUR: [(Role, &str); 4] = [
    (Role::Crm, "limits.members_per_hour.crm"),
    (Role::Support, "limits.members_per_hour.support"),
    (Role::Marketing, "limits.members_per_hour.marketing"),
    (Role::Analyst, "limits.members_per_hour.analyst"),
];

const PER_DAY: [(Role, &str); 4] = [
    (Role::Crm, "limits.members_per_day.crm"),
    (Role::Support, "limits.members_per_day.support"),
    (Role::Marketing, "limits.members_per_day.marketing"),
    (Role::Analyst, "limits.members_per_day.analyst"),
];

const NUMBER: &str = "a whole number from 0 to 4294967295";

pub(super) fn read(from: &Reader<'_>) -> Result<GuardSettings, ConfigError> {
    let number = |name| from.number(name, 0..=u32::MAX, NUMBER);
    let bounds = |names: [(Role, &'static str); 4]| {
        let bounds = names.into_iter().map(|(role, name)| Ok((role, number(name)?)));
        bounds.collect::<Result<BTreeMap<_, _>, ConfigError>>()
    };
    Ok(GuardSettings {
        members_per_hour: bounds(PER_HOUR)?,
        members_per_day: bounds(PER_DAY)?,
        bulk_members_per_hour: number("window.members_per_hour")?,
        denials_per_minute: number("alerts.denials_per_minute")?,
    })
}

pub(super) fn alerts(from: &Reader<'_>) -> Result<Option<AlertSettings>, ConfigError> {
    let receiver =
        from.optional("alerts.url", "http:// and an address of this machine, such as http://127.0.0.1:9000/alerts")?;
    match (receiver, from.optional_path("alerts.key_file")) {
        (None, None) => Ok(None),
        (Some(receiver), Some(key_file)) => Ok(Some(AlertSettings { receiver, key_file })),
        _ => Err(ConfigError::Contradiction {
            what: "of the receiver of alerts and the secret that signs them, one is set without the other",
            what_to_do: "set both `alerts.url` and `alerts.key_file`, or neither",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, Typed};

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let owned = variables.iter().map(|(name, text)| (format!("MEMBERVAULT_{name}"), (*text).to_owned()));
        let resolved = Typed::from_environment(owned, &[]).resolve();
        resolved.map(|resolved| resolved.settings).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_vault() {
        let read = settings(&[]).unwrap();
        let mut guards = read.guards;
        guards.members_per_hour.retain(|_, bound| *bound != 0);
        guards.members_per_day.retain(|_, bound| *bound != 0);
        assert_eq!((guards, read.alerts), (GuardSettings::default(), None));
    }

    #[test]
    fn a_receiver_and_its_key_come_together() {
        let url = ("ALERTS_URL", "http://127.0.0.1:9000/alerts");
        let key = ("ALERTS_KEY_FILE", "/etc/mv/alerts");
        assert!(settings(&[url, key]).unwrap().alerts.is_some());
        assert!(settings(&[url]).unwrap_err().contains("without the other"));
        assert!(settings(&[key]).unwrap_err().contains("without the other"));
        assert!(settings(&[("ALERTS_URL", "https://example.org"), key]).unwrap_err().contains("of this machine"));
        assert!(settings(&[("LIMITS_MEMBERS_PER_HOUR_SUPPORT", "-1")]).unwrap_err().contains("from 0"));
    }
}

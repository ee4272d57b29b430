//! Settings: where they come from, and what is refused.

use insta::assert_snapshot;

use super::desk::Desk;

#[test]
fn config_show_tells_where_each_value_comes_from() {
    let desk = Desk::new();
    desk.write("settings.toml", "data = 'vault/data'\n\n[storage]\ncache_mib = 64\n");
    let mut command = desk.command(&["config", "show", "--config", "settings.toml", "--log-format", "json"]);
    command.env("MEMBERVAULT_HTTP_TIMEOUT_S", "5").env("MEMBERVAULT_PORT", "tcp://10.0.0.1:80");
    assert_snapshot!(desk.finish(command, "").shown(), @"
    out: data                               vault/data              settings.toml, line 1
    out: keyring                            membervault.keyring     default
    out: key_file                           key                     environment, MEMBERVAULT_KEY_FILE
    out: passphrase_file                    (not set)               default
    out: next.key_file                      (not set)               default
    out: next.passphrase_file               (not set)               default
    out: policy                             (not set)               default
    out: schema.file                        (not set)               default
    out: http.listen                        127.0.0.1:8200          default
    out: http.behind_tls_proxy              false                   default
    out: http.timeout_s                     5                       environment, MEMBERVAULT_HTTP_TIMEOUT_S
    out: http.concurrency_max               1024                    default
    out: ledger.read_durability             interval                default
    out: ledger.origin                      (not set)               default
    out: ledger.public                      false                   default
    out: ledger.witnesses                   (not set)               default
    out: storage.cache_mib                  64                      settings.toml, line 4
    out: storage.row_cache_mib              128                     default
    out: storage.write_buffer_mib           64                      default
    out: seal.interval_s                    60                      default
    out: seal.capsules                      (not set)               default
    out: purge.interval_s                   86400                   default
    out: purge.rate_mib_s                   50                      default
    out: requests.second_person             erase_bulk export_bulk  default
    out: retention.interval_s               0                       default
    out: segments.floor                     20                      default
    out: backup.directory                   (not set)               default
    out: backup.rate_mib_s                  100                     default
    out: mirror.directories                 (not set)               default
    out: limits.members_per_hour.crm        0                       default
    out: limits.members_per_hour.support    1000                    default
    out: limits.members_per_hour.marketing  0                       default
    out: limits.members_per_hour.analyst    0                       default
    out: limits.members_per_day.crm         0                       default
    out: limits.members_per_day.support     0                       default
    out: limits.members_per_day.marketing   0                       default
    out: limits.members_per_day.analyst     0                       default
    out: window.members_per_hour            10000                   default
    out: alerts.url                         (not set)               default
    out: alerts.key_file                    (not set)               default
    out: alerts.denials_per_minute          30                      default
    out: log.format                         json                    flag, --log-format
    out: log.level                          warn                    environment, MEMBERVAULT_LOG_LEVEL
    err: not a setting, so not used: MEMBERVAULT_PORT
    exit 0
    ");
}

#[test]
fn a_setting_that_does_not_exist_is_refused_with_its_line() {
    let desk = Desk::new();
    desk.write("settings.toml", "# a comment\ndata = 'x'\nkeyrng = 'y'\n");
    assert_snapshot!(desk.run(&["--config", "settings.toml", "status"]).shown(), @r#"
    err: membervault: there is no setting named "keyrng": settings.toml, line 3: did you mean "keyring"? [invalid_config]
    exit 2
    "#);
}

#[test]
fn a_value_that_is_none_is_refused_with_its_origin() {
    let desk = Desk::new();
    let mut command = desk.command(&["status"]);
    command.env("MEMBERVAULT_STORAGE_CACHE_MIB", "much");
    assert_snapshot!(desk.finish(command, "").shown(), @"
    err: membervault: the setting storage.cache_mib is not valid: environment, MEMBERVAULT_STORAGE_CACHE_MIB: expected a whole number from 8 to 1048576 [invalid_config]
    exit 2
    ");
    assert_snapshot!(desk.run(&["status", "--keyring", "membervault-data/ring"]).shown(), @"
    err: membervault: the keyring lies inside the data directory, where every copy of the data would carry its keys: set `keyring` (--keyring) to a path outside `data` (--data) [invalid_config]
    exit 2
    ");
    assert_snapshot!(desk.run(&["status", "--config", "absent.toml"]).shown(), @"
    err: membervault: the settings file cannot be read: absent.toml: No such file or directory (os error 2) [io]
    exit 1
    ");
}

#[test]
fn a_policy_is_checked_before_it_stands() {
    let desk = Desk::new();
    let default = desk.run(&["policy", "default"]);
    desk.write("policy.toml", &default.out);
    assert_eq!(desk.run(&["policy", "show", "--policy", "policy.toml"]).out, default.out);
    assert_snapshot!(desk.run(&["policy", "check", "policy.toml"]).shown(), @"
    out: policy.toml is valid, sha256 [SHA-256]
    out: purpose analytics: Measuring and improving the service, under pseudonyms
    out: purpose newsletter: Sending the newsletter to those who asked for it
    out: purpose personalisation: Choosing offers and content by what is known of the member
    out: purpose service: Serving the member: account, orders, delivery, payment
    out: purpose support: Answering a member who asks for help
    exit 0
    ");
    desk.write("policy.toml", format!("{}\n[nonsense]\n", default.out));
    assert_snapshot!(desk.run(&["policy", "check", "policy.toml"]).shown(), @"
    err: membervault: policy.toml: policy line 213: unknown field `nonsense`, expected one of `version`, `purposes`, `masks`, `roles` [invalid_policy]
    exit 2
    ");
}

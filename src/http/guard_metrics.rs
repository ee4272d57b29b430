//! The counters of the guards, as Prometheus text. No labels: who did it is in the log and the ledger.

use std::fmt::Write as _;

use crate::vault::guard::alert::GuardCounts;

/// The counters since the vault was opened.
pub(super) fn text(counts: &GuardCounts) -> String {
    let lines = [
        ("canary_touches_total", "counter", "Canaries that were touched.", counts.canary_touches),
        ("guard_refusals_total", "counter", "Requests beyond a quota, or in bulk without a window.", counts.refused),
        ("freezes", "gauge", "Stops of the use of member data that stand.", counts.freezes),
        ("alerts_waiting", "gauge", "Alerts that wait for the receiver.", counts.alerts_waiting),
        ("alerts_sent_total", "counter", "Alerts the receiver took.", counts.alerts_sent),
        ("alerts_failed_total", "counter", "Alerts given up after all attempts.", counts.alerts_failed),
        ("alerts_dropped_total", "counter", "Alerts that went out of a full queue.", counts.alerts_dropped),
    ];
    let mut text = String::with_capacity(1024);
    for (name, kind, help, value) in lines {
        let name = format!("membervault_{name}");
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}").unwrap_or_default();
    }
    text
}

//! What a panic may say. A formatted message may hold the value that caused it, and with it a member's data; a fixed
//! text cannot. So the place is always printed and the message only when it was written in the source.

use std::any::Any;
use std::panic::{Location, PanicHookInfo};

/// Installs the panic hook.
pub(super) fn install() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let text = describe(info.payload(), info.location());
        tracing::error!(code = crate::code::Code::Internal.as_str(), "{text}");
    }));
}

/// One line about a panic.
pub fn describe(payload: &(dyn Any + Send), location: Option<&Location<'_>>) -> String {
    let message = payload.downcast_ref::<&'static str>().copied().unwrap_or("message withheld, it may hold data");
    match location {
        Some(place) => format!("panic at {}:{}: {message}", place.file(), place.line()),
        None => format!("panic: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formatted_message_is_withheld() {
        let fixed: Box<dyn Any + Send> = Box::new("the frontier is empty");
        let formatted: Box<dyn Any + Send> = Box::new("called unwrap on Err(ada@example.org)".to_owned());
        assert_eq!(describe(&*fixed, None), "panic: the frontier is empty");
        assert_eq!(describe(&*formatted, None), "panic: message withheld, it may hold data");
    }
}

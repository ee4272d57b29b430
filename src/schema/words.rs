//! The words of the data map.

use std::fmt;

use crate::types::Period;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$about])* $variant,)+ }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as the file writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// On which ground data is used (GDPR Art. 6(1)).
    LegalBasis {
        /// The member agreed.
        Consent = "consent",
        /// A contract with the member needs it.
        Contract = "contract",
        /// A law asks for it.
        LegalObligation = "legal_obligation",
        /// Somebody's life depends on it.
        VitalInterests = "vital_interests",
        /// A task in the public interest.
        PublicTask = "public_task",
        /// An interest that outweighs the member's.
        LegitimateInterest = "legitimate_interest",
    }
}

impl LegalBasis {
    /// The basis as a term of the Data Privacy Vocabulary.
    pub const fn dpv(self) -> &'static str {
        match self {
            Self::Consent => "dpv:Consent",
            Self::Contract => "dpv:Contract",
            Self::LegalObligation => "dpv:LegalObligation",
            Self::VitalInterests => "dpv:VitalInterest",
            Self::PublicTask => "dpv:PublicInterest",
            Self::LegitimateInterest => "dpv:LegitimateInterest",
        }
    }

    /// Where the GDPR has it.
    pub const fn article(self) -> &'static str {
        match self {
            Self::Consent => "Art. 6(1)(a)",
            Self::Contract => "Art. 6(1)(b)",
            Self::LegalObligation => "Art. 6(1)(c)",
            Self::VitalInterests => "Art. 6(1)(d)",
            Self::PublicTask => "Art. 6(1)(e)",
            Self::LegitimateInterest => "Art. 6(1)(f)",
        }
    }
}

words! {
    /// How much harm a field could do.
    Sensitivity {
        /// No more than any personal data.
        Ordinary = "ordinary",
        /// More: where somebody lives, how old it is, what it earns.
        Sensitive = "sensitive",
        /// A special category (GDPR Art. 9): health, belief, origin, politics, union, sex life, biometrics, genes.
        Special = "special",
    }
}

impl Sensitivity {
    /// The sensitivity as a term of the Data Privacy Vocabulary.
    pub const fn dpv(self) -> &'static str {
        match self {
            Self::Ordinary => "dpv:PersonalData",
            Self::Sensitive => "dpv:SensitivePersonalData",
            Self::Special => "dpv:SpecialCategoryPersonalData",
        }
    }
}

words! {
    /// What the value of a field is.
    FieldKind {
        /// Text of any sort.
        Text = "text",
        /// An e-mail address.
        Email = "email",
        /// A phone number.
        Phone = "phone",
        /// A day: 1985-01-09.
        Date = "date",
        /// A moment: 2023-11-24T03:26:42Z.
        Datetime = "datetime",
        /// A number.
        Number = "number",
        /// true or false.
        Boolean = "boolean",
        /// A list of anything.
        List = "list",
        /// An object of anything.
        Object = "object",
        /// Two capital letters: DE.
        Country = "country",
        /// A language, with or without a region: de, pt-BR, ar_EG.
        Language = "language",
    }
}

words! {
    /// From when on the retention of a record counts.
    Start {
        /// From when it was first written.
        Created = "created",
        /// From when it was last written.
        Updated = "updated",
    }
}

/// How long something is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retention {
    /// This long after the start event.
    For(Period),
    /// Until somebody erases it, and why that is right.
    UntilErased(String),
}

impl Retention {
    /// The period, where it ends by itself.
    pub const fn period(&self) -> Option<Period> {
        match self {
            Self::For(period) => Some(*period),
            Self::UntilErased(_) => None,
        }
    }

    /// The longer of two.
    pub(super) fn longer<'r>(&'r self, other: &'r Self) -> &'r Self {
        match (self.period(), other.period()) {
            (Some(one), Some(two)) if one.approximate_days() < two.approximate_days() => other,
            (Some(_), None) => other,
            _ => self,
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(period) => period.fmt(f),
            Self::UntilErased(_) => f.write_str("until_erased"),
        }
    }
}

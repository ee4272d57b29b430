//! The words for purposes in the Data Privacy Vocabulary of the W3C community group (DPV), so that a register of processing
//! activities can be read by other people's programs.

/// The version of the vocabulary these terms are of.
pub const DPV_VERSION: &str = "2.0";
/// What the prefix `dpv:` stands for.
pub const DPV_NAMESPACE: &str = "https://w3id.org/dpv#";
/// The prefix of a term.
const PREFIX: &str = "dpv:";

/// The purposes of the vocabulary, sorted. "Purpose" itself is not among them: it says nothing.
const PURPOSES: &[&str] = &[
    "AcademicResearch",
    "AccountManagement",
    "Advertising",
    "AgeVerification",
    "CombatClimateChange",
    "CommercialPurpose",
    "CommercialResearch",
    "CommunicationForCustomerCare",
    "CommunicationManagement",
    "CounterMoneyLaundering",
    "Counterterrorism",
    "CreditChecking",
    "CustomerCare",
    "CustomerClaimsManagement",
    "CustomerManagement",
    "CustomerOrderManagement",
    "CustomerRelationshipManagement",
    "CustomerSolvencyMonitoring",
    "DataAltruism",
    "DeliveryOfGoods",
    "DirectMarketing",
    "DisputeManagement",
    "EnforceAccessControl",
    "EnforceSecurity",
    "EstablishContractualAgreement",
    "FraudPreventionAndDetection",
    "FulfilmentOfContractualObligation",
    "FulfilmentOfObligation",
    "HumanResourceManagement",
    "IdentityAuthentication",
    "IdentityVerification",
    "ImproveExistingProductsAndServices",
    "ImproveHealthcare",
    "ImproveInternalCRMProcesses",
    "ImprovePublicServices",
    "ImproveTransportMobility",
    "IncreaseServiceRobustness",
    "InternalResourceOptimisation",
    "LegalCompliance",
    "MaintainCreditCheckingDatabase",
    "MaintainCreditRatingDatabase",
    "MaintainFraudDatabase",
    "Marketing",
    "MemberPartnerManagement",
    "MisusePreventionAndDetection",
    "NonCommercialPurpose",
    "NonCommercialResearch",
    "OptimisationForConsumer",
    "OptimisationForController",
    "OptimiseUserInterface",
    "OrganisationComplianceManagement",
    "OrganisationGovernance",
    "OrganisationRiskManagement",
    "PaymentManagement",
    "Personalisation",
    "PersonalisedAdvertising",
    "PersonalisedBenefits",
    "PersonnelHiring",
    "PersonnelManagement",
    "PersonnelPayment",
    "ProtectionOfIPR",
    "ProtectionOfNationalSecurity",
    "ProtectionOfPublicSecurity",
    "ProvideEventRecommendations",
    "ProvideOfficialStatistics",
    "ProvidePersonalisedRecommendations",
    "ProvideProductRecommendations",
    "PublicBenefit",
    "PublicPolicyMaking",
    "PublicRelations",
    "RecordManagement",
    "RepairImpairments",
    "RequestedServiceProvision",
    "ResearchAndDevelopment",
    "RightsFulfillment",
    "ScientificResearch",
    "SearchFunctionalities",
    "SellDataToThirdParties",
    "SellInsightsFromData",
    "SellProducts",
    "SellProductsToDataSubject",
    "ServiceOptimisation",
    "ServicePersonalisation",
    "ServiceProvision",
    "ServiceRegistration",
    "ServiceUsageAnalytics",
    "SocialMediaMarketing",
    "TargetedAdvertising",
    "TechnicalServiceProvision",
    "UserInterfacePersonalisation",
    "VendorManagement",
    "VendorPayment",
    "VendorRecordsManagement",
    "VendorSelectionAssessment",
    "Verification",
];

/// Whether `term` (`dpv:DirectMarketing`) is a purpose of the vocabulary.
pub(super) fn is_purpose(term: &str) -> bool {
    term.strip_prefix(PREFIX).is_some_and(|term| PURPOSES.binary_search(&term).is_ok())
}

/// A term that looks like `term`: for advice about a typing error.
pub(super) fn near(term: &str) -> &'static str {
    let wanted = term.strip_prefix(PREFIX).unwrap_or(term).to_ascii_lowercase();
    let shared =
        |known: &&str| known.to_ascii_lowercase().bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count();
    PURPOSES.iter().copied().max_by_key(shared).unwrap_or("ServiceProvision")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_found_and_near_ones_named() {
        assert!(PURPOSES.is_sorted_by(|one, next| one < next));
        assert!(is_purpose("dpv:DirectMarketing") && is_purpose("dpv:ServiceProvision"));
        assert!(!is_purpose("DirectMarketing") && !is_purpose("dpv:Purpose") && !is_purpose("dpv:Nonsense"));
        assert_eq!(near("dpv:DirectMarketng"), "DirectMarketing");
        assert_eq!(near("servicepro"), "ServiceProvision");
    }
}

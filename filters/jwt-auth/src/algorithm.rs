//! The signature algorithms of RFC 7518 section 3.1 and RFC 8037.

/// Names a signature algorithm that a token may use.
///
/// `none` is not among them, so no token can ask for it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// ECDSA over P-521 with SHA-512.
    Es512,
    /// Ed25519; RFC 9864 also names it `Ed25519`.
    EdDsa,
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl Algorithm {
    /// Lists every algorithm, in the order of the declaration.
    pub const ALL: [Self; 13] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
    ];

    /// Reads the name that a token or a key gives in `alg`, with regard to case.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Returns the registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// Returns the hash by the name that Envoy's `verify_signature` uses.
    pub const fn digest(self) -> &'static str {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 | Self::Hs256 => "sha256",
            Self::Rs384 | Self::Ps384 | Self::Es384 | Self::Hs384 => "sha384",
            Self::Rs512 | Self::Ps512 | Self::Es512 | Self::EdDsa | Self::Hs512 => "sha512",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of algorithms, such as those that one key may serve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Algorithms(u16);

impl Algorithms {
    /// RS256, RS384 and RS512.
    pub const RSA_PKCS1: Self =
        Self(Algorithm::Rs256.bit() | Algorithm::Rs384.bit() | Algorithm::Rs512.bit());
    /// PS256, PS384 and PS512.
    pub const RSA_PSS: Self =
        Self(Algorithm::Ps256.bit() | Algorithm::Ps384.bit() | Algorithm::Ps512.bit());
    /// HS256, HS384 and HS512.
    pub const HMAC: Self =
        Self(Algorithm::Hs256.bit() | Algorithm::Hs384.bit() | Algorithm::Hs512.bit());
    /// What only the proxy can check.
    pub const HOST_ONLY: Self = Self::only(Algorithm::Es512);
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// Every algorithm there is.
    pub const ALL: Self = Self((1 << 13) - 1);

    /// Holds `algorithm` alone.
    pub const fn only(algorithm: Algorithm) -> Self {
        Self(algorithm.bit())
    }

    /// Returns how many algorithms there are in the set.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Says whether `algorithm` is in the set.
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & algorithm.bit() != 0
    }

    /// Returns what is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns what is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns what is in this set but not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Says whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the members.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.into_iter().filter(move |algorithm| self.contains(*algorithm))
    }
}

impl FromIterator<Algorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        algorithms.into_iter().fold(Self(0), |set, algorithm| set.union(Self::only(algorithm)))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn every_name_reads_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
    }

    #[test]
    fn ed25519_is_a_name_of_eddsa() {
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDsa));
    }

    #[test]
    fn refuses_names_that_are_no_algorithm() {
        for name in ["none", "None", "rs256", "", "RS256 ", "ES256K", "Ed448", "HS1"] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_set_of_all_holds_each() {
        assert_eq!(Algorithms::ALL.iter().count(), Algorithm::ALL.len());
        assert_eq!(Algorithm::ALL.into_iter().collect::<Algorithms>(), Algorithms::ALL);
    }
}

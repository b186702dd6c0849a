//! The signature algorithms of RFC 7518 section 3.1 and RFC 8037.

/// A family of signature algorithms, which share a type of key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1,
    /// RSASSA-PSS.
    RsaPss,
    /// ECDSA.
    Ecdsa,
    /// EdDSA.
    EdDsa,
    /// HMAC.
    Hmac,
}

/// A hash function of the SHA-2 family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// Defines [`Algorithm`] and its properties from one table.
macro_rules! algorithms {
    ($($(#[$doc:meta])* $variant:ident($name:literal, $family:ident, $digest:ident),)*) => {
        /// A supported signature algorithm; `none` is not one.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum Algorithm {
            $($(#[$doc])* $variant,)*
        }

        impl Algorithm {
            /// All algorithms, in the order of declaration.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// Returns the registered name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns the family.
            pub const fn family(self) -> Family {
                match self {
                    $(Self::$variant => Family::$family,)*
                }
            }

            /// Returns the hash function.
            pub const fn digest(self) -> Digest {
                match self {
                    $(Self::$variant => Digest::$digest,)*
                }
            }
        }
    };
}

algorithms! {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256("RS256", RsaPkcs1, Sha256),
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384("RS384", RsaPkcs1, Sha384),
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512("RS512", RsaPkcs1, Sha512),
    /// RSASSA-PSS with SHA-256.
    Ps256("PS256", RsaPss, Sha256),
    /// RSASSA-PSS with SHA-384.
    Ps384("PS384", RsaPss, Sha384),
    /// RSASSA-PSS with SHA-512.
    Ps512("PS512", RsaPss, Sha512),
    /// ECDSA with P-256 and SHA-256.
    Es256("ES256", Ecdsa, Sha256),
    /// ECDSA with P-384 and SHA-384.
    Es384("ES384", Ecdsa, Sha384),
    /// ECDSA with P-521 and SHA-512.
    Es512("ES512", Ecdsa, Sha512),
    /// Ed25519; `Ed25519` is another name for it (RFC 9864).
    EdDsa("EdDSA", EdDsa, Sha512),
    /// HMAC with SHA-256.
    Hs256("HS256", Hmac, Sha256),
    /// HMAC with SHA-384.
    Hs384("HS384", Hmac, Sha384),
    /// HMAC with SHA-512.
    Hs512("HS512", Hmac, Sha512),
}

impl Algorithm {
    /// Parses an `alg` value; case-sensitive.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Returns `true` for ECDSA.
    pub const fn is_ecdsa(self) -> bool {
        matches!(self.family(), Family::Ecdsa)
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl Digest {
    /// Returns the name in calls of Envoy's `verify_signature`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns the size of a hash in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A set of algorithms.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Algorithms(u16);

impl Algorithms {
    /// RS256, RS384 and RS512.
    pub const RSA_PKCS1: Self = Self::of_family(Family::RsaPkcs1);
    /// PS256, PS384 and PS512.
    pub const RSA_PSS: Self = Self::of_family(Family::RsaPss);
    /// HS256, HS384 and HS512.
    pub const HMAC: Self = Self::of_family(Family::Hmac);
    /// The algorithms that only the proxy can verify.
    pub const HOST_ONLY: Self = Self::only(Algorithm::Es512);
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// All algorithms.
    pub const ALL: Self = {
        let mut set = Self::NONE;
        let mut rest: &[Algorithm] = &Algorithm::ALL;
        while let [first, others @ ..] = rest {
            set = set.union(Self::only(*first));
            rest = others;
        }
        set
    };

    const fn of_family(family: Family) -> Self {
        let mut set = Self::NONE;
        let mut rest: &[Algorithm] = &Algorithm::ALL;
        while let [first, others @ ..] = rest {
            if first.family() as u8 == family as u8 {
                set = set.union(Self::only(*first));
            }
            rest = others;
        }
        set
    }

    /// Returns the set of `algorithm` alone.
    pub const fn only(algorithm: Algorithm) -> Self {
        Self(algorithm.bit())
    }

    /// Returns the number of algorithms in the set.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Returns `true` if `algorithm` is in the set.
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & algorithm.bit() != 0
    }

    /// Returns the algorithms in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the algorithms in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the algorithms in this set but not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns `true` if the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the algorithms in the set.
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
    fn parses_every_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
    }

    #[test]
    fn parses_ed25519_as_eddsa() {
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDsa));
    }

    #[test]
    fn refuses_other_names() {
        for name in ["none", "None", "rs256", "", "RS256 ", "ES256K", "Ed448", "HS1"] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn families_partition_the_algorithms() {
        let families =
            [Family::RsaPkcs1, Family::RsaPss, Family::Ecdsa, Family::EdDsa, Family::Hmac];
        let sizes = families.map(|family| Algorithms::of_family(family).len());
        assert_eq!(sizes, [3, 3, 3, 1, 3]);
    }

    #[test]
    fn the_set_of_all_contains_each() {
        assert_eq!(Algorithms::ALL.iter().count(), Algorithm::ALL.len());
        assert_eq!(Algorithm::ALL.into_iter().collect::<Algorithms>(), Algorithms::ALL);
    }
}

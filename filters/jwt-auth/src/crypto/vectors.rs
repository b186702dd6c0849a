//! Known-answer tests of the proxy.
//!
//! The keys were generated for this purpose, and the private halves deleted.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{HostAnswer, HostVerify};
use crate::algorithm::{Algorithm, Algorithms};

const MESSAGE: &[u8] = b"weir known-answer test";

/// Each algorithm with its key and signature, DER in base64url.
const VECTORS: [(Algorithm, &str, &str); 6] = [
    (Algorithm::Rs256, RSA, RS256),
    (Algorithm::Rs384, RSA, RS384),
    (Algorithm::Rs512, RSA, RS512),
    (Algorithm::Es256, P256, ES256),
    (Algorithm::Es384, P384, ES384),
    (Algorithm::Es512, P521, ES512),
];

/// Returns the algorithms for which `host` accepts the signature and refuses it with one bit
/// flipped.
pub(super) fn passing_algorithms(host: HostVerify) -> Algorithms {
    let passing = |(algorithm, key, signature): &(Algorithm, &str, &str)| {
        passes(host, *algorithm, key, signature).then_some(*algorithm)
    };
    VECTORS.iter().filter_map(passing).collect()
}

fn passes(host: HostVerify, algorithm: Algorithm, key: &str, signature: &str) -> bool {
    let decoded = URL_SAFE_NO_PAD.decode(key).ok().zip(URL_SAFE_NO_PAD.decode(signature).ok());
    let Some((key, mut signature)) = decoded else { return false };
    let good = host(algorithm.digest().name(), &key, &signature, MESSAGE);
    if let Some(last) = signature.last_mut() {
        *last ^= 1;
    }
    let flipped = host(algorithm.digest().name(), &key, &signature, MESSAGE);
    (good, flipped) == (HostAnswer::Valid, HostAnswer::Invalid)
}

/// RSA, 2,048 bits.
const RSA: &str = "\
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAmFGeHM-50eG9nUi5dsOpUiMmzoe1B77ozm0_hK7hdXpAm0B0\
    zOLIE-V3bM0EqdICM7-asoNvD2vv__kBsFwN8XkDho148hEbyNl1rDOQOVvDmKvQHQf2pfr3qaliArpKSSg6KHeUaAYM\
    _Ub5QX7LojNUYy-jt1Zvzpsgww9KPpp0Fgqbcil66CxljFyEsbhphGyC6wPCHLEiTX2-zS__w6aF1dPQshM4ZTBfiuHF\
    YIaa6-lkK-2ik4yV6FkhoD-7VFChgL_SwbQ11gBHrtgKEgk9fCZoNTL6D0Nb1czF0pRd7-g9Kw_g9LwJDuenWld_EKcz\
    z8YnPaPYDVw1v1caTQIDAQAB";
/// P-256.
const P256: &str = "\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErAawP0gWHwvg40_y-I4ojVmr7QJnKkBwiDicSIG_6zW_MGASpxKNFLU0\
    wWno9fXYO1n9PaOhzJjLP62LOyDYIw";
/// P-384.
const P384: &str = "\
    MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE7f4ONKPf88tF2TVTnNraW-AMmHsZilB357zhRtaK78XswoTXOwUubplK14W5\
    h2oUhPN_Ltnvd8vWuhnbRvpLK8QMMS6P5vxS1RAhUS3wGLOfVD6Zz9YQcxNzda0xdSUo";
/// P-521.
const P521: &str = "\
    MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAhsACvHg-T00twh9zxkj5-fvyJ1NPeoPpcEtX68b2Kf6FEWIfNByXhkPl\
    vkk7swlHCtqeVbSxxnAv46UddaGhzyYBQVfg1RTb8lKvVP8_LuTwF3t3rCWTVChzC-Qk8MHy25YtZ-fojBZafLoVv13K\
    wzE39jlKlrm4ZvGKSA51I6cgQV8";
/// Signature by RS256.
const RS256: &str = "\
    FcC4eBhUXRPqcKpgfGJOfnIMDlMRgBosvq-SOJT51tQSzAMADZ1gYmS4CUjI9TKtZSOw1gW5KX0kDz5yLAJHo40ABYsm\
    xb5gyczvUWaJWL_qVteWI8VEA-gB3_KYHZs3sBvlO2u5cbp6RQW7gJl0G6qNIZ9U2v-52xEwrW68ywjCpgl_Dum7mYlf\
    T9SCM3JADMhlZpAaj8Iu9CNoFdxsoGHsf7nw9QJMQHiCX5LNqZk1sojaTljVoi8tWYhQK9yD-IYKqWgMwijo5WpIOpFs\
    bzMeO_Uqb9ulDQcoZkhhKaVoHhPWv3YJ86BcHcLPFMO1F2hkHXq1fZ-j2a3B3wRHUA";
/// Signature by RS384.
const RS384: &str = "\
    IrXSaQ3JO8rgtIUYnU7IGVcd33QNbmFubsmeUYmRHKDF2KUwdH7sTDMA_5lhOMgQQwQm5bxuYYocLx2B62dM5SsUj3QG\
    Av0XpvRGYrwCy9Qhrq6mphSzb67nl5jCJJ12k1Eb8b_btGaN6OAvfoBzdO5pV8hai7NcEBGBlrcfFwyxiI1pb3Q0NQF-\
    e76w8n1kDnRaltc-glaMImJVrqc6pkIpYsHah9X4qtFC_4ZadWvwRFF96mzCwAUsIcs2HWjBRgtFeqkF4M_qLD5TU6lx\
    Y4rqdvzjXiai-zkb5i6hDMuFS4aK32R_dDLENdFubNo5GYdn9j6HKfT7JTj4kN_jsQ";
/// Signature by RS512.
const RS512: &str = "\
    U0pEi9PNh4k3WQD5APcsF8cdIyKyBJ6VwgXZ7WjeGTIEawDLh99hCOO7uPW8oYOsmE6sVsws2f5Q5c6Q1wcUj7CoTWak\
    ZruOaleyqymOcnIJlTATcK_utYW9sguoXAukJ-BQhV7qvEwO0VN_Y6_bVA5F-dC-WCDvK1lelNwypATdI7FHZ86fSem8\
    h12gwlVTkbs9zOf0ea0cpv_D6whfTP-rqB_vSkP66Ulu9G576d9WaJHBHhNzaT1oYz_DdoPmhh5ffJwuIlIiRAsdkV0S\
    EPp-8CuOEW5QrqvxaXT79ld0sZWrZKfMLuLlUvtFk9A70s72_4eB3QwwwFqWFNodLg";
/// Signature by ES256.
const ES256: &str = "\
    MEUCIG7OtHRmGF8-_8txTWbbCoTG_03R-lcAedAmlzTSupTrAiEAsNIaZhfiClgE-sSoscGIqcS9hy8Ybv5cHcBlrsBL\
    cYI";
/// Signature by ES384.
const ES384: &str = "\
    MGYCMQCjRRc-4vx02DeUqnn434tGrhR4rXl70YTuBNVXp3bftOv5apJxqPpM7RL2NcIuwFoCMQCHBWZ7b8hEfn7j7oki\
    NypzEKlRt5sCl6nojs5hWmDm6W-OXkuvjzRXrH50lHbhuFI";
/// Signature by ES512.
const ES512: &str = "\
    MIGIAkIAwngr7Bi_5hFk6F8JUqw49rLO-01eqjerBoD3XfmMzhIL_xvGM3BQ4UQgk0gNWDnewl3H4oP3XW6aDYlQxEN2\
    vvwCQgFdPJktMAsKKoq0XtpzrTuUTMh-gNnLMnVxvKZdcYih_0Kpw4BjPwksfMpaYuoBbz5f8FH64Juf5FFZy3YHXeVW\
    og";

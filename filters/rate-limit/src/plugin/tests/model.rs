//! Random documents and arrivals over several workers, against a model that keeps every admission.

use std::time::Duration;

use filter_core::Generator;
use filter_host::memory::Proxy;
use serde_json::{Value, json};

use super::{Limiter, start};

const USERS: usize = 3;

/// The kind of a limit of the model.
#[derive(Clone, Copy, Debug)]
enum Kind {
    TokenBucket { burst: u64 },
    Sliding,
    Fixed,
}

/// A limit of the model.
#[derive(Clone, Debug)]
struct Limit {
    kind: Kind,
    requests: u64,
    per: Duration,
    cost: u64,
    reserve: u64,
    is_keyed: bool,
    /// User, time since the start of the clocks and cost of each admission.
    log: Vec<(usize, Duration, u64)>,
}

/// The decision that the model requires; some may go either way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    Admit,
    Refuse,
    Either,
}

impl Limit {
    fn random(draw: &mut impl FnMut(u64) -> u64) -> Self {
        let requests = draw(12) + 1;
        let kind = match draw(3) {
            0 => Kind::TokenBucket { burst: draw(12) + 1 },
            1 => Kind::Sliding,
            _ => Kind::Fixed,
        };
        let per = Duration::from_secs(draw(20) + 1);
        let (cost, reserve) = (draw(3) + u64::from(draw(4) > 0), draw(2) * 25);
        Self { kind, requests, per, cost, reserve, is_keyed: draw(2) == 0, log: Vec::new() }
    }

    fn document(&self, name: usize) -> Value {
        let window = match self.kind {
            Kind::TokenBucket { .. } => "TOKEN_BUCKET",
            Kind::Sliding => "SLIDING",
            Kind::Fixed => "FIXED",
        };
        let mut limit = json!({"name": format!("l{name}"), "requests": self.requests,
            "per": format!("{}s", self.per.as_secs()), "window": window, "cost": self.cost,
            "reserve": {"value": self.reserve}});
        if let Kind::TokenBucket { burst } = self.kind {
            limit["burst"] = json!(burst);
        }
        if self.is_keyed {
            limit["key"] = json!([{"httpHeaderName": "x-user"}]);
            limit["maxKeys"] = json!(16);
        }
        limit
    }

    /// Returns the times and costs of the admissions of a user.
    fn own(&self, user: usize) -> impl Iterator<Item = (Duration, u64)> {
        let own = self.log.iter().filter(move |(of, ..)| !self.is_keyed || *of == user);
        own.map(|(_, time, cost)| (*time, *cost))
    }

    fn reserved(&self, depth: u64) -> u64 {
        depth - (depth * self.reserve).div_ceil(100).min(depth)
    }

    fn answer(&self, user: usize, now: Duration, wall: Duration) -> Answer {
        let since = |start: Duration| -> u64 {
            self.own(user).filter(|(time, _)| *time >= start).map(|(_, cost)| cost).sum()
        };
        match self.kind {
            Kind::TokenBucket { burst } => self.bucket(user, now, burst),
            Kind::Sliding => {
                let usable = self.reserved(self.requests);
                let start = |length: Duration| now.saturating_sub(length);
                // Any admission within `per` counts, and none after another eighth.
                let within = since(start(self.per) + Duration::from_nanos(1));
                let longest = since(start(self.per + self.per / 8));
                match () {
                    () if within + self.cost > usable => Answer::Refuse,
                    () if longest + self.cost <= usable => Answer::Admit,
                    () => Answer::Either,
                }
            }
            Kind::Fixed => {
                let elapsed = wall.as_nanos() % self.per.as_nanos();
                let elapsed = Duration::from_nanos(u64::try_from(elapsed).unwrap());
                let used = since(now.saturating_sub(elapsed));
                let fits = used + self.cost <= self.reserved(self.requests);
                if fits { Answer::Admit } else { Answer::Refuse }
            }
        }
    }

    /// Replays the log of a bucket in exact fractions of a unit.
    fn bucket(&self, user: usize, now: Duration, burst: u64) -> Answer {
        let unit = self.per.as_nanos();
        let depth = u128::from(burst) * unit;
        let (mut missing, mut last) = (0_u128, Duration::ZERO);
        for (time, cost) in self.own(user).chain([(now, 0)]) {
            let gained = (time - last).as_nanos() * u128::from(self.requests);
            missing = missing.saturating_sub(gained) + u128::from(cost) * unit;
            last = time;
        }
        let reserve = u128::from(burst - self.reserved(burst)) * unit;
        let wanted = missing + u128::from(self.cost) * unit + reserve;
        // The interval of a unit is rounded up to a sixteenth of a nanosecond.
        let slack = u128::from(burst + 20) * u128::from(self.requests) * 40;
        match () {
            () if u128::from(self.cost) * unit + reserve > depth => Answer::Refuse,
            () if wanted > depth => Answer::Refuse,
            () if wanted + slack <= depth => Answer::Admit,
            () => Answer::Either,
        }
    }
}

/// Sends random requests, and compares each decision with the model. Returns the admitted ones.
fn compare(seed: u64, arrivals: u64) -> (u64, u64) {
    let mut generator = Generator::new(seed);
    let mut draw = |below: u64| generator.bits().checked_rem(below).unwrap();
    let mut limits: Vec<Limit> = (0..=draw(4)).map(|_| Limit::random(&mut draw)).collect();
    let documents: Vec<Value> =
        limits.iter().enumerate().map(|(name, limit)| limit.document(name)).collect();
    let document = json!({"limits": documents});
    let proxy = Proxy::new();
    let started = proxy.now();
    let mut workers: Vec<Limiter> = (0..=draw(3)).map(|_| start(&proxy, &document)).collect();
    let mut admitted = 0;
    for arrival in 0..arrivals {
        proxy.pass(Duration::from_millis(if draw(3) == 0 { draw(2_500) } else { draw(40) }));
        // An hour passes once in a while, so that everything is idle.
        if draw(500) == 0 {
            proxy.pass(Duration::from_secs(3_600));
        }
        let user = usize::try_from(draw(USERS as u64)).unwrap();
        let index = usize::try_from(draw(workers.len() as u64)).unwrap();
        let stream = workers[index].request(&[("x-user", ["a", "b", "c"][user])]);
        let is_admitted = workers[index].end(stream).is_forwarded();
        let wall = proxy.now();
        let now = Duration::from_secs(100_000) + (wall - started);
        let answers: Vec<_> = limits.iter().map(|limit| limit.answer(user, now, wall)).collect();
        let context = || format!("seed {seed}, arrival {arrival}: {answers:?} {document}");
        if answers.contains(&Answer::Refuse) {
            assert!(!is_admitted, "{}", context());
        } else if !answers.contains(&Answer::Either) {
            assert!(is_admitted, "{}", context());
        }
        if is_admitted {
            admitted += 1;
            for limit in &mut limits {
                let cost = limit.cost;
                limit.log.push((user, now, cost));
                // Admissions older than the longest window no longer count.
                let horizon = now.saturating_sub(Duration::from_secs(1_000));
                if limit.log.len() > 4_000 {
                    limit.log.retain(|(_, time, _)| *time >= horizon);
                }
            }
        }
    }
    (admitted, arrivals - admitted)
}

/// Returns `true` if the environment asks for long tests.
fn is_thorough() -> bool {
    std::env::var_os("WEIR_THOROUGH").is_some()
}

#[test]
fn decisions_are_those_of_a_full_log() {
    let (documents, arrivals) = if is_thorough() { (500, 200) } else { (60, 100) };
    let seed = std::env::var("WEIR_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut total = (0, 0);
    for document in 0..documents {
        let (admitted, refused) = compare(seed + document, arrivals);
        total = (total.0 + admitted, total.1 + refused);
    }
    let enough = documents * arrivals / 10;
    assert!(total.0 > enough && total.1 > enough, "seed {seed}: {total:?}");
}

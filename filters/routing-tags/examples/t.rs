use filter_core::*;
use routing_tags::*;
use std::time::*;
fn main() {
    for n in [1usize, 1000] {
        let rules: Vec<_> = (0..n).map(|i| serde_json::json!({"match":[{"headers":{"x-user-type":{"exact": if i==n/2 {"premium".to_owned()} else {format!("t{i}")}}}}],"tag":"v2"})).collect();
        let doc = serde_json::json!({"http": rules}).to_string();
        let policy = Policy::new(&parse_config::<Config>(doc.as_bytes()).unwrap()).unwrap();
        let headers = Headers::from_iter([("x-user-type", "premium")]);
        let request = Request { headers, ..Request::default() };
        let t = Instant::now();
        for _ in 0..300000 {
            let mut w =
                World { now: SystemTime::UNIX_EPOCH, bits: &mut || 0, rolled_back: &|_| false };
            let d = policy.decide(std::hint::black_box(&request), &mut w);
            std::hint::black_box(policy.wants_all_values(&request, &d));
            std::hint::black_box(d);
        }
        println!("{n}: {:?}", t.elapsed() / 300000);
    }
}

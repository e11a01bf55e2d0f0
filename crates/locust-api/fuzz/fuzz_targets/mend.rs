//! Mending leaves valid JSON alone, and never needs to be done twice.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut mended = body.to_vec();
    let changed = locust_api::fuzzing::mend(&mut mended);
    let is_valid = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).is_ok();
    assert!(!(changed && is_valid(body)), "valid JSON was changed");
    assert!(!locust_api::fuzzing::mend(&mut mended), "it took two times");
});

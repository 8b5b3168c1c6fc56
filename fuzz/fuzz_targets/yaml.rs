//! See the law of the same name.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ctr_fuzz::registration::yaml(data));

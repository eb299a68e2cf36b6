//! The exports that a chain calls.
//!
//! Layer: shell.
//! Holds: what `#[entry_point]` expands to, for either library and this edition.
//! Never: code on another target than wasm.
//! Invariant: an export has its entry point's name.

/// Exports the entry points `instantiate`, `execute` and `query` of the crate's root; `reply` too where it is named.
#[macro_export]
macro_rules! export {
    ($($reply:ident)?) => {
        #[cfg(target_arch = "wasm32")]
        mod exports {
            #[unsafe(no_mangle)]
            extern "C" fn instantiate(env: u32, info: u32, message: u32) -> u32 {
                $crate::std::do_instantiate(&super::instantiate, env, info, message)
            }
            #[unsafe(no_mangle)]
            extern "C" fn execute(env: u32, info: u32, message: u32) -> u32 {
                $crate::std::do_execute(&super::execute, env, info, message)
            }
            #[unsafe(no_mangle)]
            extern "C" fn query(env: u32, message: u32) -> u32 {
                $crate::std::do_query(&super::query, env, message)
            }
            $(
                #[unsafe(no_mangle)]
                extern "C" fn $reply(env: u32, message: u32) -> u32 {
                    $crate::std::do_reply(&super::$reply, env, message)
                }
            )?
        }
    };
}

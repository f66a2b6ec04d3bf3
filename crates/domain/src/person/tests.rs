//! The rules of the queue, held against every order in which things can happen.

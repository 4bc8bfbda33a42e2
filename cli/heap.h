// The heap of this process.

#pragma once

namespace bmsg::cli {

/// From now on what is freed is overwritten first: copies of secrets that libraries made on the
/// way, as parsers do, end with their owners. For commands that outlive their secrets.
void overwrite_what_is_freed();

/// From now on what is large goes back to the system as soon as it is freed. Left alone, the C
/// library keeps more of it each time that something larger was freed.
void give_large_memory_back();

/// From now on the heap grows by as much as a short command needs, not by some pages for each of
/// its steps: each time stops the thread beside it where that touches memory for the first time.
void grow_in_large_steps();

}  // namespace bmsg::cli

// Drawing a page to a PNG file, for tests and for pictures in documents.
#pragma once

namespace pipebd::gui {

struct Options;

/// Needs a QApplication. Returns once what the page shows has been read, drawn and written. Throws Error{NotFound} for a run that
/// is not there, Error{System} for a file that cannot be written, and what the lab or the experiment throws.
void grabPage(const Options& options);

} // namespace pipebd::gui

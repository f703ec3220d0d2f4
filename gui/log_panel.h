// LogPanel: the newest lines of a run's log.
#pragma once

#include "store/run_store.h"

#include <QPlainTextEdit>

#include <vector>

namespace pipebd::gui {

class LogPanel : public QPlainTextEdit {
    Q_OBJECT

public:
    explicit LogPanel(QWidget* parent = nullptr);

    /// Scrolls along only if the end was in view.
    void append(const std::vector<store::LogLine>& lines);
};

} // namespace pipebd::gui

// StateBadge: a run's state as icon, colour and word.
#pragma once

#include "store/run_record.h"

#include <QWidget>

namespace pipebd::gui {

class StateBadge : public QWidget {
    Q_OBJECT

public:
    explicit StateBadge(QWidget* parent = nullptr);
    void setState(store::RunState state);
    QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    store::RunState m_state = store::RunState::Queued;
};

} // namespace pipebd::gui

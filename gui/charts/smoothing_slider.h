// SmoothingSlider: how much of the past a smoothed curve remembers, from nothing to 0.999, and the number beside it.
#pragma once

#include <QWidget>

class QLabel;
class QSlider;

namespace pipebd::gui {

class SmoothingSlider : public QWidget {
    Q_OBJECT

public:
    explicit SmoothingSlider(QWidget* parent = nullptr);

    void setWeight(double weight); // without a signal

signals:
    void weightChanged(double weight);

private:
    void showWeight(double weight);

    QSlider* m_slider;
    QLabel* m_label;
};

} // namespace pipebd::gui

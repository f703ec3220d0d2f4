#include "gui/charts/smoothing_slider.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QSignalBlocker>
#include <QSlider>

#include <cmath>

namespace pipebd::gui {

namespace {

constexpr int sliderSteps = 100;

// Equal steps of the slider are equal factors of 1 - weight: 0, ..., 0.9, ..., 0.99, ..., 0.999.
double weightAt(int position)
{
    return position == 0 ? 0 : 1 - std::pow(10.0, -3.0 * position / sliderSteps);
}

int positionOf(double weight)
{
    return static_cast<int>(std::lround(-std::log10(1 - weight) / 3 * sliderSteps));
}

} // namespace

SmoothingSlider::SmoothingSlider(QWidget* parent)
    : QWidget(parent)
    , m_slider(new QSlider(Qt::Horizontal, this))
    , m_label(new QLabel(this))
{
    m_slider->setRange(0, sliderSteps);
    m_slider->setMinimumWidth(60);
    m_slider->setMaximumWidth(150);
    m_slider->setAccessibleName(tr("Smoothing"));
    m_slider->setToolTip(tr("Exponential moving average of loss and throughput; the raw curve stays visible"));
    m_label->setMinimumWidth(fontMetrics().horizontalAdvance(QStringLiteral("0.9999")));
    auto* title = new QLabel(tr("S&moothing:"), this);
    title->setBuddy(m_slider);
    connect(m_slider, &QSlider::valueChanged, this, [this](int position) {
        showWeight(weightAt(position));
        emit weightChanged(weightAt(position));
    });
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins({});
    layout->setSpacing(8);
    layout->addWidget(title);
    layout->addWidget(m_slider);
    layout->addWidget(m_label);
    showWeight(0);
}

void SmoothingSlider::setWeight(double weight)
{
    const QSignalBlocker blocker(m_slider);
    m_slider->setValue(positionOf(weight));
    showWeight(weight);
}

void SmoothingSlider::showWeight(double weight)
{
    m_label->setText(weight > 0 ? QLocale().toString(weight, 'f', weight < 0.99 ? 2 : 3) : tr("off"));
}

} // namespace pipebd::gui

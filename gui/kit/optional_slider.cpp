#include "gui/kit/optional_slider.h"

#include <QCheckBox>
#include <QGridLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSlider>

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

double LogScale::at(int position) const
{
    return least * std::pow(most / least, static_cast<double>(position) / positions);
}

int LogScale::positionOf(double value) const
{
    const double place = std::log(std::clamp(value, least, most) / least) / std::log(most / least) * positions;
    return static_cast<int>(std::lround(place));
}

OptionalSlider::OptionalSlider(
    const QString& name, LogScale scale, std::function<QString(double)> words, const QString& otherwise, QWidget* parent)
    : QWidget(parent)
    , m_scale(scale)
    , m_words(std::move(words))
    , m_otherwise(otherwise)
    , m_box(new QCheckBox(name, this))
    , m_slider(new QSlider(Qt::Horizontal, this))
    , m_label(new QLabel(this))
{
    QString plain = name;
    m_slider->setRange(0, LogScale::positions);
    m_slider->setValue(LogScale::positions / 2);
    m_slider->setAccessibleName(plain.remove(QLatin1Char('&')));
    m_slider->setPageStep(LogScale::positions / 12);
    m_label->setAlignment(Qt::AlignRight | Qt::AlignVCenter);

    auto* layout = new QGridLayout(this);
    layout->setContentsMargins({});
    layout->setVerticalSpacing(0);
    layout->addWidget(m_box, 0, 0);
    layout->addWidget(m_label, 0, 1);
    layout->addWidget(m_slider, 1, 0, 1, 2);
    layout->setColumnStretch(1, 1);

    connect(m_box, &QCheckBox::toggled, this, [this] {
        show();
        emit changed();
    });
    connect(m_slider, &QSlider::valueChanged, this, [this] {
        const QSignalBlocker blocker(m_box);
        m_box->setChecked(true); // who moves the slider means it
        show();
        emit changed();
    });
    show();
}

std::optional<double> OptionalSlider::value() const
{
    return m_box->isChecked() ? std::optional(m_scale.at(m_slider->value())) : std::nullopt;
}

void OptionalSlider::setValue(std::optional<double> value)
{
    const QSignalBlocker sliderBlocker(m_slider);
    const QSignalBlocker boxBlocker(m_box);
    if (value)
        m_slider->setValue(m_scale.positionOf(*value));
    m_box->setChecked(value.has_value());
    show();
}

void OptionalSlider::setOtherwise(const QString& words)
{
    m_otherwise = words;
    show();
}

void OptionalSlider::setStart(double value)
{
    if (m_box->isChecked())
        return;
    const QSignalBlocker blocker(m_slider);
    m_slider->setValue(m_scale.positionOf(value));
}

void OptionalSlider::show()
{
    const std::optional<double> supposed = value();
    m_label->setText(supposed ? m_words(*supposed) : m_otherwise);
    m_label->setForegroundRole(supposed ? QPalette::WindowText : QPalette::PlaceholderText);
}

} // namespace pipebd::gui

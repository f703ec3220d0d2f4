#include "gui/schedules/what_if_panel.h"

#include "base/units.h"
#include "gui/kit/number_text.h"
#include "gui/kit/optional_slider.h"

#include <QComboBox>
#include <QFormLayout>
#include <QGroupBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSlider>
#include <QSpinBox>
#include <QVBoxLayout>

#include <cmath>

namespace pipebd::gui {

namespace {

constexpr int mostDevices = 16;
constexpr double mebibyte = 1024.0 * 1024;

QString memoryText(double bytes)
{
    return bytesText(std::llround(bytes));
}

QString bandwidthText(double bytesPerSecond)
{
    return QString::fromStdString(format_bandwidth(bytesPerSecond));
}

/// With at most three digits that say something: sliders do not mean more.
double rounded(double value)
{
    const double digit = std::pow(10, std::floor(std::log10(value)) - 2);
    return std::round(value / digit) * digit;
}

std::optional<int> numberIn(const QSpinBox* box)
{
    return box->value() > 0 ? std::optional(box->value()) : std::nullopt;
}

QSpinBox* searchedNumber(QWidget* parent, int most, const QString& name)
{
    auto* box = new QSpinBox(parent);
    box->setRange(0, most);
    box->setSpecialValueText(WhatIfPanel::tr("automatic"));
    box->setAccessibleName(name);
    return box;
}

} // namespace

WhatIfPanel::WhatIfPanel(QWidget* parent)
    : QWidget(parent)
    , m_devices(new QSlider(Qt::Horizontal, this))
    , m_devicesBox(new QSpinBox(this))
    , m_batch(new OptionalSlider(
          tr("&Batch"), {1, 4096}, [](double batch) { return QLocale().toString(std::round(batch), 'f', 0); }, tr("as measured"),
          this))
    , m_memory(new OptionalSlider(tr("&Memory per device"), {mebibyte, 256 * 1024 * mebibyte}, memoryText, tr("no limit"), this))
    , m_link(new OptionalSlider(tr("&Link speed"), {1e6, 1e12}, bandwidthText, tr("as measured"), this))
    , m_speed(new OptionalSlider(
          tr("Device s&peed"), {0.1, 100}, [](double factor) { return tr("× %1").arg(QLocale().toString(factor, 'g', 3)); },
          tr("as measured"), this))
    , m_steps(new QSpinBox(this))
{
    setObjectName(QStringLiteral("whatIf"));
    m_batch->setObjectName(QStringLiteral("batch"));
    m_memory->setObjectName(QStringLiteral("memory"));
    m_link->setObjectName(QStringLiteral("link"));
    m_speed->setObjectName(QStringLiteral("speed"));
    for (OptionalSlider* slider : {m_batch, m_memory, m_link, m_speed})
        connect(slider, &OptionalSlider::changed, this, &WhatIfPanel::changed);
    QLayout* devicesRow = buildDevices();
    QLayout* stepsRow = buildSteps();
    auto* resetButton = new QPushButton(tr("As measured"), this);
    resetButton->setObjectName(QStringLiteral("asMeasured"));
    resetButton->setToolTip(tr("Reset devices, batch, memory, links and speed to the measured values"));
    connect(resetButton, &QPushButton::clicked, this, &WhatIfPanel::reset);

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(10, 4, 10, 8);
    layout->setSpacing(6);
    layout->addLayout(devicesRow);
    layout->addWidget(m_devices);
    for (OptionalSlider* slider : {m_batch, m_memory, m_link, m_speed})
        layout->addWidget(slider);
    layout->addLayout(stepsRow);
    layout->addWidget(buildPipeline());
    layout->addWidget(resetButton);
    layout->addStretch();
}

QLayout* WhatIfPanel::buildDevices()
{
    m_devices->setRange(1, mostDevices);
    m_devices->setObjectName(QStringLiteral("devices"));
    m_devices->setAccessibleName(tr("Devices"));
    m_devices->setPageStep(1);
    m_devicesBox->setRange(1, mostDevices);
    m_devicesBox->setAccessibleName(tr("Number of devices"));
    connect(m_devices, &QSlider::valueChanged, m_devicesBox, &QSpinBox::setValue);
    connect(m_devicesBox, &QSpinBox::valueChanged, m_devices, &QSlider::setValue);
    connect(m_devices, &QSlider::valueChanged, this, &WhatIfPanel::changed);
    auto* devicesLabel = new QLabel(tr("&Devices"), this);
    devicesLabel->setBuddy(m_devices);
    auto* devicesRow = new QHBoxLayout;
    devicesRow->addWidget(devicesLabel);
    devicesRow->addStretch();
    devicesRow->addWidget(m_devicesBox);
    return devicesRow;
}

QLayout* WhatIfPanel::buildSteps()
{
    m_steps->setRange(1, 64);
    m_steps->setValue(4);
    m_steps->setObjectName(QStringLiteral("steps"));
    m_steps->setToolTip(tr("Number of steps shown in the timelines"));
    connect(m_steps, &QSpinBox::valueChanged, this, &WhatIfPanel::changed);
    auto* stepsLabel = new QLabel(tr("Steps s&hown"), this);
    stepsLabel->setBuddy(m_steps);
    auto* stepsRow = new QHBoxLayout;
    stepsRow->addWidget(stepsLabel);
    stepsRow->addStretch();
    stepsRow->addWidget(m_steps);
    return stepsRow;
}

QWidget* WhatIfPanel::buildPipeline()
{
    m_endToEnd = new QGroupBox(tr("Include &end-to-end strategies"), this);
    m_endToEnd->setObjectName(QStringLiteral("endToEnd"));
    m_endToEnd->setCheckable(true);
    m_endToEnd->setChecked(false);
    m_endToEnd->setToolTip(tr("Strategies that train the whole student at once, in a pipeline"));
    m_microbatches = searchedNumber(m_endToEnd, 256, tr("Microbatches"));
    m_backwardSplit = searchedNumber(m_endToEnd, 8, tr("Parts per backward pass"));
    m_views = new QSpinBox(m_endToEnd);
    m_views->setRange(1, 2);
    m_teacher = new QComboBox(m_endToEnd);
    m_teacher->addItem(tr("frozen"), QStringLiteral("frozen"));
    m_teacher->addItem(tr("momentum"), QStringLiteral("momentum"));
    auto* form = new QFormLayout(m_endToEnd);
    form->setContentsMargins(6, 2, 6, 4);
    form->setVerticalSpacing(2);
    form->addRow(tr("Microbatches"), m_microbatches);
    form->addRow(tr("Backward parts"), m_backwardSplit);
    form->addRow(tr("Views"), m_views);
    form->addRow(tr("Teacher"), m_teacher);
    connect(m_endToEnd, &QGroupBox::toggled, this, &WhatIfPanel::changed);
    for (QSpinBox* box : {m_microbatches, m_backwardSplit, m_views})
        connect(box, &QSpinBox::valueChanged, this, &WhatIfPanel::changed);
    connect(m_teacher, &QComboBox::currentIndexChanged, this, &WhatIfPanel::changed);
    return m_endToEnd;
}

void WhatIfPanel::setProfile(const schedule::Profile& profile, int devices)
{
    const QSignalBlocker blocker(this);
    m_measuredDevices = devices;
    m_batch->setOtherwise(tr("%1, as measured").arg(QLocale().toString(profile.batch)));
    m_batch->setStart(profile.batch);
    const double link = profile.link.bytes_per_ms * 1000;
    m_link->setOtherwise(link > 0 ? tr("%1, as measured").arg(bandwidthText(link)) : tr("unlimited"));
    if (link > 0)
        m_link->setStart(link);
    m_speed->setStart(1);
    std::int64_t held = 0;
    for (const schedule::BlockProfile& block : profile.blocks)
        held += block.teacher_bytes + block.student_bytes + block.gradient_bytes + block.optimizer_bytes
            + profile.batch * (block.output_bytes + block.activation_bytes);
    m_memory->setStart(static_cast<double>(held));
    m_devices->setValue(devices);
}

int WhatIfPanel::devices() const
{
    return m_devices->value();
}

void WhatIfPanel::setDevices(int devices)
{
    m_devices->setValue(devices);
}

schedule::WhatIf WhatIfPanel::whatIf() const
{
    schedule::WhatIf whatIf;
    if (const auto batch = m_batch->value())
        whatIf.batch = static_cast<int>(std::lround(*batch));
    if (const auto memory = m_memory->value())
        whatIf.memory_limit = std::llround(rounded(*memory));
    if (const auto link = m_link->value())
        whatIf.bytes_per_second = rounded(*link);
    if (const auto speed = m_speed->value())
        whatIf.speed = rounded(*speed);
    return whatIf;
}

bool WhatIfPanel::wantsEndToEnd() const
{
    return m_endToEnd->isChecked();
}

std::vector<std::string> WhatIfPanel::strategies() const
{
    std::vector<std::string> names;
    for (const std::string_view name : wantsEndToEnd() ? schedule::strategy_names() : schedule::blockwise_strategy_names())
        names.emplace_back(name);
    return names;
}

schedule::PipelineOptions WhatIfPanel::pipeline() const
{
    if (!wantsEndToEnd())
        return {};
    return {.microbatches = numberIn(m_microbatches),
        .backward_split = numberIn(m_backwardSplit),
        .views = m_views->value(),
        .teacher = m_teacher->currentIndex() == 0 ? schedule::Teacher::Frozen : schedule::Teacher::Momentum};
}

int WhatIfPanel::steps() const
{
    return m_steps->value();
}

QStringList WhatIfPanel::options() const
{
    const schedule::WhatIf supposed = whatIf();
    QStringList options{QStringLiteral("--devices"), QString::number(devices())};
    const auto add = [&options](const char* name, const QString& value) { options << QString::fromLatin1(name) << value; };
    if (supposed.batch)
        add("--batch", QString::number(*supposed.batch));
    if (supposed.memory_limit)
        add("--memory-limit", QString::number(*supposed.memory_limit));
    if (supposed.bytes_per_second)
        add("--link", QString::number(*supposed.bytes_per_second, 'f', 0) + QStringLiteral("B/s"));
    if (supposed.speed)
        add("--scale-device", QString::number(*supposed.speed));
    if (!wantsEndToEnd()) {
        add("--strategies", QStringLiteral("blockwise"));
        return options;
    }
    const schedule::PipelineOptions made = pipeline();
    if (made.microbatches)
        add("--microbatches", QString::number(*made.microbatches));
    if (made.backward_split)
        add("--backward-split", QString::number(*made.backward_split));
    add("--views", QString::number(*made.views));
    add("--teacher", m_teacher->currentData().toString());
    add("--strategies", QStringLiteral("all"));
    return options;
}

void WhatIfPanel::reset()
{
    {
        const QSignalBlocker blocker(this);
        for (OptionalSlider* slider : {m_batch, m_memory, m_link, m_speed})
            slider->setValue(std::nullopt);
        m_devices->setValue(m_measuredDevices);
    }
    emit changed();
}

} // namespace pipebd::gui

#include "gui/start/device_picker.h"

#include "base/error.h"
#include "experiment/devices.h"

#include <QCheckBox>
#include <QGridLayout>
#include <QLabel>
#include <QSpinBox>

#include <algorithm>

namespace pipebd::gui {

namespace {

constexpr int mostRanks = 64;
constexpr int gpusInARow = 2;

QString cpuText(int threads)
{
    return QString::fromStdString(experiment::to_string(experiment::Device{.threads = threads}));
}

} // namespace

DevicePicker::DevicePicker(QWidget* parent)
    : QWidget(parent)
    , m_layout(new QGridLayout(this))
    , m_note(new QLabel(this))
    , m_cpu(new QWidget(this))
    , m_ranks(new QSpinBox(m_cpu))
    , m_threads(new QSpinBox(m_cpu))
{
    m_layout->setContentsMargins({});
    m_layout->setVerticalSpacing(2);
    m_note->setForegroundRole(QPalette::PlaceholderText);
    m_note->setWordWrap(true);
    m_note->setTextFormat(Qt::PlainText);

    m_ranks->setObjectName(QStringLiteral("cpuRanks"));
    m_ranks->setRange(0, mostRanks);
    m_ranks->setAccessibleName(tr("Ranks on the CPU"));
    m_threads->setObjectName(QStringLiteral("cpuThreads"));
    m_threads->setRange(1, 1024);
    m_threads->setAccessibleName(tr("Threads of each rank on the CPU"));
    auto* ranksLabel = new QLabel(tr("&CPU ranks:"), m_cpu);
    ranksLabel->setBuddy(m_ranks);
    auto* threadsLabel = new QLabel(tr("t&hreads each:"), m_cpu);
    threadsLabel->setBuddy(m_threads);
    auto* cpuRow = new QHBoxLayout(m_cpu);
    cpuRow->setContentsMargins({});
    for (QWidget* widget : std::initializer_list<QWidget*>{ranksLabel, m_ranks, threadsLabel, m_threads})
        cpuRow->addWidget(widget);
    cpuRow->addStretch();
    m_cpu->hide();

    m_layout->addWidget(m_note, 0, 0, 1, gpusInARow);
    m_layout->addWidget(m_cpu, 1, 0, 1, gpusInARow);
    for (QSpinBox* box : {m_ranks, m_threads})
        connect(box, &QSpinBox::valueChanged, this, &DevicePicker::announce);
}

void DevicePicker::setDevices(const FoundDevices& found)
{
    qDeleteAll(m_gpus);
    m_gpus.clear();
    m_note->setText(found.isKnown() ? QString() : found.problem().isEmpty() ? found.shortText() : found.problem());
    m_note->setVisible(!found.isKnown());
    for (const FoundDevice& device : found.devices()) {
        if (device.name == QLatin1String("cpu")) {
            m_cpu->setToolTip(device.description);
            m_cpu->show();
            continue;
        }
        auto* box = new QCheckBox(device.name, this);
        box->setObjectName(device.name);
        box->setToolTip(device.description);
        box->setAccessibleDescription(device.description);
        const auto place = static_cast<int>(m_gpus.size());
        m_layout->addWidget(box, 2 + place / gpusInARow, place % gpusInARow);
        connect(box, &QCheckBox::toggled, this, &DevicePicker::announce);
        m_gpus.push_back(box);
    }
}

void DevicePicker::setText(const QString& list)
{
    std::vector<experiment::Device> devices;
    try {
        if (!list.isEmpty() && list != QLatin1String("auto"))
            devices = experiment::parse_devices(list.toStdString(), "devices");
    } catch (const Error&) {
        return; // not a list yet
    }
    using Kind = experiment::Device::Kind;
    const QSignalBlocker ranksBlocker(m_ranks);
    const QSignalBlocker threadsBlocker(m_threads);
    int ranks = 0;
    for (const experiment::Device& device : devices) {
        if (device.kind != Kind::Cpu)
            continue;
        ++ranks;
        m_threads->setValue(device.threads);
    }
    m_ranks->setValue(ranks);
    for (QCheckBox* box : m_gpus) {
        const QSignalBlocker blocker(box);
        box->setChecked(std::any_of(devices.begin(), devices.end(), [&](const experiment::Device& device) {
            return QString::fromStdString(experiment::to_string(device)) == box->objectName();
        }));
    }
}

void DevicePicker::announce()
{
    QStringList list;
    for (const QCheckBox* box : m_gpus)
        if (box->isChecked())
            list << box->objectName();
    for (int rank = 0; rank < m_ranks->value(); ++rank)
        list << cpuText(m_threads->value());
    emit picked(list.join(QLatin1Char(',')));
}

} // namespace pipebd::gui

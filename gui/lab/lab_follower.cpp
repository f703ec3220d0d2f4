#include "gui/lab/lab_follower.h"

#include "gui/kit/error_text.h"

#include <QElapsedTimer>
#include <QThread>
#include <QTimer>

#include <algorithm>
#include <chrono>
#include <utility>

namespace pipebd::gui {

using namespace std::chrono_literals;

LabReader::LabReader(std::filesystem::path lab)
    : m_folder(std::move(lab))
{
}

void LabReader::scan()
{
    QElapsedTimer timer;
    timer.start();
    try {
        if (!m_lab || !m_lab->exists()) // the first run makes it
            m_lab = std::make_unique<store::Lab>(m_folder, store::Lab::Mode::ExistingOrEmpty);
        auto runs = std::make_shared<const std::vector<store::RunRecord>>(m_lab->runs());
        emit scanned(std::move(runs), std::make_shared<const std::map<int, store::Annotation>>(m_lab->annotations()));
    } catch (...) {
        m_lab.reset();
        emit failed(currentErrorText());
    }
    // At most a fifth of a core, however many runs there are.
    const auto pause = std::max<std::chrono::milliseconds>(400ms, 4 * std::chrono::milliseconds(timer.elapsed()));
    if (!QThread::currentThread()->isInterruptionRequested())
        QTimer::singleShot(pause, this, &LabReader::scan);
}

LabFollower::LabFollower(const std::filesystem::path& lab, QObject* parent)
    : QObject(parent)
{
    qRegisterMetaType<RunRecords>();
    qRegisterMetaType<RunAnnotations>();
    auto* reader = new LabReader(lab);
    connect(reader, &LabReader::scanned, this, &LabFollower::scanned);
    connect(reader, &LabReader::failed, this, &LabFollower::failed);
    m_thread = std::make_unique<ReaderThread>(reader);
    m_thread->start();
    QMetaObject::invokeMethod(reader, &LabReader::scan, Qt::QueuedConnection);
}

} // namespace pipebd::gui

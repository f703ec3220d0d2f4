#include "gui/lab/run_follower.h"

#include "gui/lab/run_reader.h"

namespace pipebd::gui {

namespace {

constexpr int updatesUnderWay = 2;

}

RunFollower::RunFollower(const std::filesystem::path& runFolder, QObject* parent)
    : QObject(parent)
    , m_credits(std::make_shared<QSemaphore>(updatesUnderWay))
{
    qRegisterMetaType<std::shared_ptr<const RunUpdate>>();
    auto* reader = new RunReader(runFolder, m_credits);
    connect(reader, &RunReader::read, this, [this](const std::shared_ptr<const RunUpdate>& update) {
        emit updated(*update);
        m_credits->release();
    });
    connect(reader, &RunReader::failed, this, &RunFollower::failed);
    m_thread = std::make_unique<ReaderThread>(reader);
    m_thread->start();
    QMetaObject::invokeMethod(reader, &RunReader::start, Qt::QueuedConnection);
}

} // namespace pipebd::gui

// LabWriter: what the window changes in a lab, one change after the other, in another thread.
//
// Every change that was asked for is tried, even if the writer goes first or the program ends. GUI thread.
#pragma once

#include "store/lab.h"

#include <QString>

#include <filesystem>
#include <functional>
#include <memory>

class QObject;

namespace pipebd::gui {

class LabWriter {
public:
    explicit LabWriter(const std::filesystem::path& lab);
    ~LabWriter(); // waits for nothing; nobody hears any more of what is being done
    LabWriter(const LabWriter&) = delete;
    LabWriter& operator=(const LabWriter&) = delete;

    /// `change` is called in another thread; then `done` in this one, with what it threw in a line, or nothing.
    void write(std::function<void(store::Lab&)> change, std::function<void(const QString& error)> done);

private:
    struct State;
    static void work(const std::shared_ptr<State>& state);

    std::shared_ptr<State> m_state;
};

/// The same for what needs no lab and no order: reading, writing files. `done` is not called once `listener` is gone.
void doInBackground(QObject* listener, std::function<void()> work, std::function<void(const QString& error)> done);

} // namespace pipebd::gui

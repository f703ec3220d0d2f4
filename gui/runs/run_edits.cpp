#include "gui/runs/run_edits.h"

#include "gui/kit/error_text.h"

#include <QUndoCommand>
#include <QUndoStack>

#include <algorithm>
#include <iterator>
#include <utility>

namespace pipebd::gui {

namespace {

constexpr int scansToWait = 3; // one may have begun before the change, one may be under way

std::vector<std::string> without(const std::vector<std::string>& some, const std::vector<std::string>& others)
{
    std::vector<std::string> rest; // both are sorted
    std::set_difference(some.begin(), some.end(), others.begin(), others.end(), std::back_inserter(rest));
    return rest;
}

void make(store::Lab& lab, const AnnotationChange& change)
{
    const store::Annotation& before = change.before;
    const store::Annotation& after = change.after;
    if (before.tags != after.tags)
        lab.change_tags(change.run, without(after.tags, before.tags), without(before.tags, after.tags));
    if (before.note != after.note)
        lab.set_note(change.run, after.note);
    if (before.deleted.empty() != after.deleted.empty()) {
        if (after.deleted.empty())
            lab.restore_run(change.run);
        else
            lab.delete_run(change.run);
    }
}

std::vector<AnnotationChange> reversed(const std::vector<AnnotationChange>& changes)
{
    std::vector<AnnotationChange> back;
    for (const AnnotationChange& change : changes)
        back.push_back(change.reversed());
    return back;
}

struct Outcome {
    std::vector<AnnotationChange> made;
    QString error; // the first
};

} // namespace

// What has been done already when it is put on the stack.
class AnnotationCommand : public QUndoCommand {
public:
    AnnotationCommand(RunEdits& edits, std::vector<AnnotationChange> changes, const QString& text)
        : QUndoCommand(text)
        , m_edits(edits)
        , m_changes(std::move(changes))
    {
    }

    void undo() override { apply(reversed(m_changes)); }
    void redo() override
    {
        if (std::exchange(m_done, true))
            apply(m_changes);
    }

private:
    void apply(const std::vector<AnnotationChange>& changes)
    {
        m_edits.write(changes, [edits = &m_edits](const std::vector<AnnotationChange>&, const QString& error) {
            if (!error.isEmpty())
                emit edits->failed(error);
        });
    }

    RunEdits& m_edits;
    std::vector<AnnotationChange> m_changes;
    bool m_done = false;
};

RunEdits::RunEdits(QObject* parent)
    : QObject(parent)
    , m_stack(new QUndoStack(this))
{
}

RunEdits::~RunEdits() = default;

void RunEdits::openLab(const std::filesystem::path& lab)
{
    m_writer = std::make_unique<LabWriter>(lab);
    m_stack->clear();
    m_own.clear();
    m_writing = 0;
}

void RunEdits::change(const std::vector<AnnotationChange>& changes, const QString& text, const QStringList& command)
{
    write(changes, [this, text, command](const std::vector<AnnotationChange>& made, const QString& error) {
        if (!made.empty()) {
            m_stack->push(new AnnotationCommand(*this, made, text));
            emit done(text, command);
        }
        if (!error.isEmpty())
            emit failed(error);
    });
}

void RunEdits::write(const std::vector<AnnotationChange>& changes, Then then)
{
    for (const AnnotationChange& change : changes) {
        show(change);
        ++m_own[change.run].writes;
    }
    ++m_writing;
    auto outcome = std::make_shared<Outcome>();
    m_writer->write(
        [changes, outcome](store::Lab& lab) {
            for (const AnnotationChange& change : changes) {
                try {
                    make(lab, change);
                    outcome->made.push_back(change);
                } catch (...) {
                    if (outcome->error.isEmpty())
                        outcome->error = currentErrorText();
                }
            }
        },
        [this, changes, outcome, then = std::move(then)](const QString& error) {
            --m_writing;
            for (const AnnotationChange& change : changes) {
                --m_own[change.run].writes;
                const bool isMade = std::any_of(outcome->made.begin(), outcome->made.end(),
                    [&](const AnnotationChange& made) { return made.run == change.run; });
                if (!isMade)
                    show(change.reversed());
            }
            then(outcome->made, error.isEmpty() ? outcome->error : error);
            emit written();
        });
}

void RunEdits::show(const AnnotationChange& change)
{
    Own& own = m_own[change.run];
    own.annotation = change.after;
    own.scans = 0;
    emit annotated(change.run, change.after);
}

void RunEdits::purge(const std::vector<int>& runs)
{
    m_stack->clear();
    ++m_writing;
    auto first = std::make_shared<QString>();
    m_writer->write(
        [runs, first](store::Lab& lab) {
            for (const int run : runs) {
                try {
                    lab.purge_run(run);
                } catch (...) {
                    if (first->isEmpty())
                        *first = currentErrorText();
                }
            }
        },
        [this, runs, first](const QString& error) {
            --m_writing;
            for (const int run : runs)
                m_own.erase(run);
            if (const QString all = error.isEmpty() ? *first : error; !all.isEmpty())
                emit failed(all);
            emit written();
        });
}

std::map<int, store::Annotation> RunEdits::withOwn(std::map<int, store::Annotation> scanned)
{
    for (auto own = m_own.begin(); own != m_own.end();) {
        store::Annotation& seen = scanned[own->first];
        const bool same = seen.tags == own->second.annotation.tags && seen.note == own->second.annotation.note
            && seen.deleted.empty() == own->second.annotation.deleted.empty();
        if (own->second.writes == 0 && (same || ++own->second.scans >= scansToWait)) {
            own = m_own.erase(own);
        } else {
            seen = own->second.annotation;
            ++own;
        }
    }
    return scanned;
}

} // namespace pipebd::gui

#include "gui/schedules/strategy_words.h"

#include <QCoreApplication>

#include <array>

namespace pipebd::gui {

QString strategyWords(const std::string& strategy)
{
    struct Words {
        const char* name;
        const char* words;
    };
    static constexpr std::array known{
        Words{"single", QT_TRANSLATE_NOOP("Strategy", "One device trains all blocks; the others are idle.")},
        Words{"dp",
            QT_TRANSLATE_NOOP("Strategy",
                "Data parallel: one block after another, each on all devices; the teacher is run again for every block.")},
        Words{"ls",
            QT_TRANSLATE_NOOP(
                "Strategy", "Layer-wise: each block is trained on one device, which loads the data and runs the teacher itself.")},
        Words{"ls-steal",
            QT_TRANSLATE_NOOP("Strategy",
                "Layer-wise with work stealing: a device that has finished takes the next block that is not yet started.")},
        Words{"ir",
            QT_TRANSLATE_NOOP("Strategy",
                "Internal relaying: all devices own all blocks and split the batch; one pass of the teacher feeds all blocks.")},
        Words{"tr",
            QT_TRANSLATE_NOOP("Strategy",
                "Teacher relaying: devices own consecutive blocks and pass the teacher's activations on; a barrier ends each "
                "step.")},
        Words{"tr+dpu",
            QT_TRANSLATE_NOOP("Strategy",
                "Teacher relaying with decoupled updates: every block is updated as soon as its gradient is ready, without a "
                "barrier.")},
        Words{"tr+dpu+ahd",
            QT_TRANSLATE_NOOP(
                "Strategy", "Pipe-BD: like tr+dpu, but a stage may use several devices, which split the batch; found by search.")},
        Words{"ddp", QT_TRANSLATE_NOOP("Strategy", "End to end: both networks completely on every device, with the batch split.")},
        Words{
            "mp", QT_TRANSLATE_NOOP("Strategy", "End to end: layers spread over the devices, with one device working at a time.")},
        Words{"gpipe",
            QT_TRANSLATE_NOOP(
                "Strategy", "End to end: microbatches through a pipeline, all forward passes before all backward passes.")},
        Words{"1f1b", QT_TRANSLATE_NOOP("Strategy", "End to end: a pipeline in which each backward pass follows a forward pass.")},
        Words{"tspipe",
            QT_TRANSLATE_NOOP(
                "Strategy", "TSPipe: a pipeline in which the teacher's passes for the next batch fill the student's idle times.")},
    };
    for (const Words& entry : known)
        if (strategy == entry.name)
            return QCoreApplication::translate("Strategy", entry.words);
    return {};
}

} // namespace pipebd::gui

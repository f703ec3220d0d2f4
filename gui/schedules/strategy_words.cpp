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
        Words{"single", QT_TRANSLATE_NOOP("Strategy", "One device trains all blocks; the others have nothing to do.")},
        Words{"dp",
            QT_TRANSLATE_NOOP("Strategy",
                "Data parallel: one block after another, each on all devices; the teacher runs again for every block.")},
        Words{"ls",
            QT_TRANSLATE_NOOP("Strategy",
                "Layer-wise: each block is a task of one device, which loads the data and runs the teacher by itself.")},
        Words{"ls-steal",
            QT_TRANSLATE_NOOP("Strategy", "Layer-wise, and a device that is done takes the next task that nobody has begun.")},
        Words{"ir",
            QT_TRANSLATE_NOOP("Strategy",
                "Internal relaying: all devices own all blocks and split the batch; one pass of the teacher feeds all blocks.")},
        Words{"tr",
            QT_TRANSLATE_NOOP("Strategy",
                "Teacher relaying: devices own consecutive blocks and pass the teacher's activations on; a barrier ends each "
                "step.")},
        Words{"tr+dpu",
            QT_TRANSLATE_NOOP("Strategy",
                "Teacher relaying with decoupled updates: every block is updated as soon as its gradient is there, without a "
                "barrier.")},
        Words{"tr+dpu+ahd",
            QT_TRANSLATE_NOOP(
                "Strategy", "Pipe-BD: as tr+dpu, and a stage may own several devices, which split the batch; found by search.")},
        Words{"ddp", QT_TRANSLATE_NOOP("Strategy", "End to end: both networks whole on every device, the batch split.")},
        Words{"mp", QT_TRANSLATE_NOOP("Strategy", "End to end: layers spread over the devices, one at work at a time.")},
        Words{"gpipe",
            QT_TRANSLATE_NOOP(
                "Strategy", "End to end: microbatches through a pipeline, all forward passes before all backward passes.")},
        Words{"1f1b", QT_TRANSLATE_NOOP("Strategy", "End to end: a pipeline in which each backward pass follows a forward pass.")},
        Words{"tspipe",
            QT_TRANSLATE_NOOP(
                "Strategy", "TSPipe: a pipeline whose teacher fills the holes of the student with its passes for the next batch.")},
    };
    for (const Words& entry : known)
        if (strategy == entry.name)
            return QCoreApplication::translate("Strategy", entry.words);
    return {};
}

} // namespace pipebd::gui

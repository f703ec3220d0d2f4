// ModelFileKind: what a file is in which somebody keeps a model, by its content and never by its name.
//
// Nothing in the file is run, unpickled or decompressed.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <string_view>

namespace pipebd {

enum class ModelFileKind {
    Exported, // torch.export.save: a graph and its weights
    TorchScript,
    Safetensors,
    OldExport, // torch.export.save before PyTorch 2.8
    AotInductor,
    StateDict, // torch.save, zip or not
    Checkpoint, // torch.save of a dictionary of several things
    PickledModule, // torch.save of a whole module
    Pickle,
    Onnx,
    Keras,
    Hdf5,
    SavedModel, // TensorFlow, its folder or its saved_model.pb
    Gguf,
    NumPy, // .npy or .npz
    Zip,
    Tar,
    Compressed,
    LfsPointer, // what Git leaves in place of a large file
    Html,
    Text,
    Empty,
    Folder,
    Unknown,
};

/// Throws like MappedFile for what cannot be read.
ModelFileKind kind_of_model_file(const std::filesystem::path& file);

/// The same for the bytes of a whole file.
ModelFileKind kind_of_model(std::string_view bytes);

/// For a file that was given where a model belongs, of a kind that is not read as one: Error{BadRequest} that says what it is, and
/// the line of Python that makes of it what is read.
Error refused_as_model(ModelFileKind kind, std::string_view where);

/// The same for a file given where weights belong.
Error refused_as_weights(ModelFileKind kind, std::string_view where);

} // namespace pipebd

// SPDX-License-Identifier: MIT
#include "shared_memory.hpp"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace qpvo::emulation {

namespace {

/// How a mangled name ends that has the tag which cuda_runtime.h gives to __shared__ variables.
constexpr const char* kTag = "B11qpvo_shared";

/// Where this program or library lies in memory, and its file.
struct Module {
  std::uintptr_t base = 0;
  std::string path;
};

int findModule(dl_phdr_info* info, std::size_t, void* found) {
  const auto here = reinterpret_cast<std::uintptr_t>(&findModule);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    const std::uintptr_t start = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || here < start || here >= start + segment.p_memsz) continue;
    *static_cast<Module*>(found) = {info->dlpi_addr, info->dlpi_name[0] == '\0' ? "/proc/self/exe" : info->dlpi_name};
    return 1;
  }
  return 0;
}

/// A table of the file, its length counted in entries.
template <class T>
struct Table {
  const T* entries;
  std::size_t count;
};

template <class T>
Table<T> tableAt(const std::string& file, std::size_t offset, std::size_t bytes) {
  if (offset > file.size() || bytes > file.size() - offset) throw std::runtime_error("CUDA emulation: the symbol table of this program is damaged.");
  return {reinterpret_cast<const T*>(file.data() + offset), bytes / sizeof(T)};
}

}  // namespace

void poison(void* data, std::size_t bytes) {
  constexpr std::size_t kStep = 4096;
  static const std::string pattern = [] {
    std::string text;
    while (text.size() < kStep) text += "\xfe\xff";
    return text;
  }();
  auto* to = static_cast<unsigned char*>(data);
  for (; bytes > kStep; bytes -= kStep, to += kStep) std::memcpy(to, pattern.data(), kStep);
  std::memcpy(to, pattern.data(), bytes);
}

const std::vector<SharedArrays::Array>& SharedArrays::all() {
  if (read_) return all_;
  read_ = true;
  Module module;
  dl_iterate_phdr(findModule, &module);
  std::ifstream stream(module.path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(stream), {}};
  const auto header = tableAt<Elf64_Ehdr>(file, 0, sizeof(Elf64_Ehdr)).entries[0];
  const auto sections = tableAt<Elf64_Shdr>(file, header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr));
  bool symbolsSeen = false;
  for (std::size_t s = 0; s < sections.count; ++s) {
    if (sections.entries[s].sh_type != SHT_SYMTAB) continue;
    symbolsSeen = true;
    const auto symbols = tableAt<Elf64_Sym>(file, sections.entries[s].sh_offset, sections.entries[s].sh_size);
    const auto& strings = sections.entries[sections.entries[s].sh_link];
    const auto names = tableAt<char>(file, strings.sh_offset, strings.sh_size);
    const auto nameOf = [&](const Elf64_Sym& symbol) { return std::string(names.entries + symbol.st_name); };
    for (std::size_t i = 0; i < symbols.count; ++i) {
      const Elf64_Sym& symbol = symbols.entries[i];
      const bool inBss = symbol.st_shndx < sections.count && sections.entries[symbol.st_shndx].sh_type == SHT_NOBITS;
      if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT || !inBss || symbol.st_size == 0) continue;
      if (nameOf(symbol).ends_with(kTag)) all_.push_back({reinterpret_cast<unsigned char*>(module.base + symbol.st_value), symbol.st_size});
    }
  }
  if (!symbolsSeen) throw std::runtime_error("CUDA emulation: expected a program with its symbol table, but received a stripped one.");
  return all_;
}

void SharedArrays::beginBlock(const void* kernel) {
  const auto known = used_.find(kernel);
  for (const Array& array : known == used_.end() ? all() : known->second) poison(array.data, array.bytes);
}

void SharedArrays::endBlock(const void* kernel) {
  if (used_.count(kernel) != 0) return;
  std::vector<Array>& used = used_[kernel];
  for (const Array& array : all()) {
    std::string untouched(array.bytes, '\0');
    poison(untouched.data(), array.bytes);
    if (std::memcmp(array.data, untouched.data(), array.bytes) != 0) used.push_back(array);
  }
}

}  // namespace qpvo::emulation

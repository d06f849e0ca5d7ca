/**
 * Expected is what GNU c++filt 2.40 prints with -p, unless it says otherwise here. The names are of kernels as nvcc
 * makes them for PyTorch, llama.cpp, CUTLASS, CUB and others, or stand for a rule of the grammar.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDemangler, demangle } from '../../src/backends/cuda/demangle.ts';
import { normaliseKernelName } from '../../src/profile/kernel-names.ts';

const names: Readonly<Record<string, string>> = {
  _Z6kernelv: 'kernel',
  _Z9vectorAddPKfS0_Pfi: 'vectorAdd',
  _ZN2at6native29vectorized_elementwise_kernelILi4ENS0_15CUDAFunctor_addIfEESt5arrayIPcLm3EEEEviT0_T1_:
    'at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<float>, std::array<char*, 3ul> >',
  _ZN2at6native27unrolled_elementwise_kernelINS0_11FillFunctorIfEESt5arrayIPcLm1EELi4E23TrivialOffsetCalculatorILi0EjES7_ILi1EjENS0_6memory15LoadWithoutCastENSA_16StoreWithoutCastEEEviT_T0_T2_T3_T4_T5_:
    'at::native::unrolled_elementwise_kernel<at::native::FillFunctor<float>, std::array<char*, 1ul>, 4, TrivialOffsetCalculator<0, unsigned int>, TrivialOffsetCalculator<1, unsigned int>, at::native::memory::LoadWithoutCast, at::native::memory::StoreWithoutCast>',
  _ZN2at6native18elementwise_kernelILi128ELi2EZNS0_22gpu_kernel_impl_nocastINS0_13BinaryFunctorIfffNS0_15binary_internal10MulFunctorIfEEEEEEvRNS_18TensorIteratorBaseERKT_EUliE_EEviT1_:
    'at::native::elementwise_kernel<128, 2, at::native::gpu_kernel_impl_nocast<at::native::BinaryFunctor<float, float, float, at::native::binary_internal::MulFunctor<float> > >(at::TensorIteratorBase&, at::native::BinaryFunctor<float, float, float, at::native::binary_internal::MulFunctor<float> > const&)::{lambda(int)#1}>',
  _ZN2at6native13reduce_kernelILi512ELi1ENS0_8ReduceOpIfNS0_14func_wrapper_tIfZNS0_11sum_functorIfffEclERNS_14TensorIteratorEEUlffE_EEjfLi4EEEEEvT1_:
    'at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::func_wrapper_t<float, at::native::sum_functor<float, float, float>::operator()(at::TensorIterator&)::{lambda(float, float)#1}>, unsigned int, float, 4> >',
  _ZN7cutlass6KernelI58cutlass_80_tensorop_s16816gemm_bf16_256x128_32x3_tn_align8EEvNT_6ParamsE:
    'cutlass::Kernel<cutlass_80_tensorop_s16816gemm_bf16_256x128_32x3_tn_align8>',
  _ZN7cutlass7Kernel2I65cutlass_80_wmma_tensorop_bf16_s161616gemm_bf16_16x16_128x2_tn_al8EEvNT_6ParamsE:
    'cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16_s161616gemm_bf16_16x16_128x2_tn_al8>',
  _Z13mul_mat_vec_qIL9ggml_type12ELi1ELb0ELb0EEvPKvS2_PKiPfjjjjjjjjjjjjj:
    'mul_mat_vec_q<(ggml_type)12, 1, false, false>',
  _Z9mul_mat_qIL9ggml_type8ELi64ELb0EEvPKcPKiS4_S4_PfS5_iiiiiiiiiiiiiiiii: 'mul_mat_q<(ggml_type)8, 64, false>',
  _Z10rms_norm_fILi1024ELb1ELb0EEvPKfPfilllfS1_lllijjj: 'rms_norm_f<1024, true, false>',
  _Z15flash_attn_tileILi64ELi8ELi16EL9ggml_type1ELb0EEvPKcS2_S2_S2_Pf:
    'flash_attn_tile<64, 8, 16, (ggml_type)1, false>',
  _ZN12_GLOBAL__N_16kernelEi: '(anonymous namespace)::kernel',
  _ZN48_GLOBAL__N__c7a1d3e1_11_softmax_cu_9f8a7b6c_123420softmax_warp_forwardIfffLi10ELb0ELb0EEEvPT0_PKT_iiiPKbib:
    '(anonymous namespace)::softmax_warp_forward<float, float, float, 10, false, false>',
  _ZN3cub17CUB_200700_800_NS6detail6reduce28DeviceReduceSingleTileKernelINS2_10policy_hubIfjN4cuda3std3__44plusIvEEE10Policy1000EPfS9_jS7_ffNS6_10__identityEEEvT0_T1_T2_T3_T4_T6_:
    'cub::CUB_200700_800_NS::detail::reduce::DeviceReduceSingleTileKernel<cub::CUB_200700_800_NS::detail::reduce::policy_hub<float, unsigned int, cuda::std::__4::plus<void> >::Policy1000, float*, cuda::std::__4::plus<void>, unsigned int, cuda::std::__4, float, float, cuda::std::__identity>',
  _ZN5flash23flash_fwd_splitkv_kernelI23Flash_fwd_kernel_traitsILi128ELi64ELi128ELi4ELb0ELb0EN7cutlass10bfloat16_tE19Flash_kernel_traitsILi128ELi64ELi128ELi4ES2_EELb1ELb0ELb0ELb0ELb1ELb0ELb0ELb0EEEvNS_16Flash_fwd_paramsE:
    '_ZN5flash23flash_fwd_splitkv_kernelI23Flash_fwd_kernel_traitsILi128ELi64ELi128ELi4ELb0ELb0EN7cutlass10bfloat16_tE19Flash_kernel_traitsILi128ELi64ELi128ELi4ES2_EELb1ELb0ELb0ELb0ELb1ELb0ELb0ELb0EEEvNS_16Flash_fwd_paramsE',
  _ZN6thrust8cuda_cub4core13_kernel_agentINS0_14__parallel_for16ParallelForAgentINS0_11__transform17unary_transform_fINS_10device_ptrIfEES8_NS5_14no_stencil_tagENS_6negateIfEENS5_21always_true_predicateEEElEESD_lEEvT0_T1_:
    'thrust::cuda_cub::core::_kernel_agent<thrust::cuda_cub::__parallel_for::ParallelForAgent<thrust::cuda_cub::__transform::unary_transform_f<thrust::device_ptr<float>, thrust::device_ptr<float>, thrust::cuda_cub::__transform::no_stencil_tag, thrust::negate<float>, thrust::cuda_cub::__transform::always_true_predicate>, long>, thrust::cuda_cub::__transform::unary_transform_f<thrust::device_ptr<float>, thrust::device_ptr<float>, thrust::cuda_cub::__transform::no_stencil_tag, thrust::negate<float>, thrust::cuda_cub::__transform::always_true_predicate>, long>',
  _ZZ4mainENKUlvE_clEv: 'main::{lambda()#1}::operator()',
  _ZZ4mainENKUliiE0_clEii: 'main::{lambda(int, int)#2}::operator()',
  _ZN3fooIiEC1Ev: 'foo<int>::foo',
  _ZN3fooD2Ev: 'foo::~foo',
  _ZNK3barltERKS_: 'bar::operator<',
  _ZN3barcviEv: 'bar::operator int',
  _ZN3barclIfEEvT_: 'bar::operator()<float>',
  _Z1fIJidEEvDpT_: 'f<int, double>',
  _Z1fIJEEvDpT_: 'f<>',
  _Z1fILb1EEvv: 'f<true>',
  _Z1fILin5EEvv: 'f<-5>',
  _Z1fILc97EEvv: 'f<(char)97>',
  _Z1fILj3ELl4ELm5ELx6ELy7ELs8EEvv: 'f<3u, 4l, 5ul, 6ll, 7ull, (short)8>',
  _Z1fILf40490fdbEEvv: 'f<(float)[40490fdb]>',
  _ZSt4moveIRiEONSt16remove_referenceIT_E4typeEOS2_: 'std::move<int&>',
  _ZNSt6vectorIiSaIiEE9push_backERKi: 'std::vector<int, std::allocator<int> >::push_back',
  _Z1fIPFivEEvT_: 'f<int (*)()>',
  _Z1fIRA10_iEvT_: 'f<int (&) [10]>',
  _Z1fIM1AFivEEvT_: 'f<int (A::*)()>',
  _Z1fIM1AKFivEEvT_: 'f<int (A::*)() const>',
  _Z1fIM1AiEvT_: 'f<int A::*>',
  _Z1fIFvidEEvT_: 'f<void (int, double)>',
  _Z1fIPPKiEvT_: 'f<int const**>',
  _Z1fIRVKcEvT_: 'f<char const volatile&>',
  _Z1fIOiEvT_: 'f<int&&>',
  _Z1fIA_iEvT_: 'f<int []>',
  _Z1fIA2_A3_fEvT_: 'f<float [2][3]>',
  _Z1fIKFivEEvv: 'f<int () const>',
  _Z1fN3abcILi3EE1dE: 'f',
  _Z3addIDF16_EvPT_: 'add<_Float16>',
  _Z3barIDnEvT_: 'bar<decltype(nullptr)>',
  _Z3barIDiEvT_: 'bar<char32_t>',
  _ZN1A1BB5cxx11Ev: 'A::B[abi:cxx11]',
  _ZL13static_kerneli: 'static_kernel',
  _ZN3fooL3barEv: 'foo::bar',
  _Z1fIXplLi1ELi2EEEvv: 'f<(1)+(2)>',
  _Z1fIXgtLi1ELi2EEEvv: 'f<((1)>(2))>',
  _Z1fIXntLb1EEEvv: 'f<!(true)>',
  _Z1fIXstiEEvv: 'f<sizeof (int)>',
  _Z1fI1AIXsrS0_IiE5valueEEEvv: 'f<A<A<int>::value> >',
  _Z1fI1AIiES0_IfEEvT_T0_: 'f<A<int>, A<float> >',
  _Z1fINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEEvT_:
    'f<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > >',
  _Z1fISt4pairIiSt6vectorIfSaIfEEEEvT_: 'f<std::pair<int, std::vector<float, std::allocator<float> > > >',
  _ZN1a1bIiE1cIfEEvT_: 'a::b<int>::c<float>',
  _ZN1a1bIiE1cE: 'a::b<int>::c',
  _ZNK1a1bIiE1cIfEEvT_: 'a::b<int>::c<float>',
  _Z1fIN1aUt_EEvT_: 'f<a::{unnamed type#1}>',
  _Z1fIu8__bf16__EvT_: 'f<__bf16__>',
  _ZN4node15options_parser13OptionsParser3fooIPZNS_1gIiEEvT_E1XEEvS3_:
    '_ZN4node15options_parser13OptionsParser3fooIPZNS_1gIiEEvT_E1XEEvS3_',
  _Z1fIZ4mainEUlvE_EvT_: 'f<main::{lambda()#1}>',
  _Z1fIZ4mainEUlT_E_EvT_: 'f<main::{lambda(auto:1)#1}>',
  _Z1fIZN1a1gIfEEvRKT_E1bEvv: 'f<a::g<float>(float const&)::b>',
  _Z1fIPDoFvvEEvT_: 'f<void (*)() noexcept>',
};

describe('a mangled name', () => {
  it.each(Object.entries(names))('%s', (mangled, expected) => {
    expect(demangle(mangled)).toBe(expected);
  });

  it('is given as it is where it is none', () => {
    for (const name of ['', 'my_kernel', 'cuda graph', '_Z', '_ZTV3foo', '_R3foo', '_ZN3foo']) {
      expect(demangle(name)).toBe(name);
    }
  });

  it('that was cut, or is not understood, is given as far as it was, and stays another than its like', () => {
    const cut = (end: string) => demangle(`_ZN7cutlass7Kernel2I66cutlass_80_wmma_tensorop_bf16_s161616${end}`);
    expect(cut('#00c0ffee')).toBe('cutlass::Kernel2<I66cutlass_80_wmma_tensorop_bf16_s161616#00c0ffee>');
    expect(cut('#00c0ffee')).not.toBe(cut('#00c0ffef'));
    expect(normaliseKernelName(cut('#00c0ffee'))).toMatch(/^cutlass::Kernel2#[\da-f]{8}$/);
    expect(demangle('_Z3fooIXtl1AEEEvv')).toBe('foo<IXtl1AEEEvv>'); // an expression that we do not read
  });

  it('is short as a label: without its template arguments, and with a hash for them', () => {
    const [mangled = ''] = Object.keys(names).filter((name) => name.includes('vectorized_elementwise'));
    expect(normaliseKernelName(demangle(mangled))).toMatch(/^at::native::vectorized_elementwise_kernel#[\da-f]{8}$/);
  });

  it('never throws and always ends, whatever it is', () => {
    const letters = fc.constantFrom(...'_ZNKSTILXEPRFvilcdtD0123456789abstUrJMOpA');
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 200 }), (rest) => {
        expect(typeof demangle(`_Z${rest.join('')}`)).toBe('string');
      }),
      { numRuns: 2000 },
    );
    expect(typeof demangle(`_ZN1a${'I'.repeat(100_000)}`)).toBe('string');
    expect(typeof demangle(`_Z1f${'P'.repeat(100_000)}i`)).toBe('string');
  });

  it('is demangled once', () => {
    const nameOf = createDemangler();
    const [mangled = '', expected] = Object.entries(names)[0] ?? [];
    expect([nameOf(mangled), nameOf(mangled)]).toEqual([expected, expected]);
  });
});
